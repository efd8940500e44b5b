import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { RpcModule, type RpcServerOptions } from '#platform';
import { type AgentStore, connectStore, postgresAgentStore, type Store } from '#store';
import { Authority } from './authority/authority.js';
import { OwnCertificate } from './authority/own-certificate.js';
import { certificateHosts, type HubConfig } from './config.js';
import { EnrolmentController } from './enrolment/enrolment.service.js';
import { AgentLineController } from './line/agent.service.js';
import { HeartbeatIntake } from './line/heartbeat-intake.js';
import { LabelKeys } from './line/label-keys.js';
import { Lines } from './line/lines.js';
import { Reception } from './line/reception.js';
import { StatusIntake } from './line/status-intake.js';
import { Upkeep } from './line/upkeep.js';
import { type HubSeams, hubParts } from './parts.js';
import { authenticator, type HubPrincipal, hubActor } from './principal.js';
import { OwnAddress } from './tunnels/own-address.js';
import { TunnelController } from './tunnels/tunnel.service.js';

/** The hub's connection to Postgres: orders the outbox, and is closed after everything that uses it. */
@Injectable()
class StoreDoor implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(hubParts.store) private readonly store: Store) {}

  onApplicationBootstrap(): void {
    this.store.feed.startSequencer();
  }

  onApplicationShutdown(): Promise<void> {
    return this.store.close();
  }
}

/** What the hub's services stand on. */
@Module({})
class HubFoundation {
  static forRoot(config: HubConfig, seams: HubSeams): DynamicModule {
    const { log, clock, ids } = seams;
    const { directory, certificateLifetimeMs: lifetimeMs } = config;
    return {
      module: HubFoundation,
      providers: [
        { provide: hubParts.config, useValue: config },
        { provide: hubParts.seams, useValue: seams },
        { provide: hubParts.log, useValue: log },
        {
          provide: hubParts.store,
          useFactory: () => connectStore({ url: config.databaseUrl, applicationName: 'berth-hub', log }),
        },
        { provide: hubParts.authority, useFactory: () => Authority.open({ directory, clock, ids, lifetimeMs }) },
        {
          provide: hubParts.agents,
          inject: [hubParts.store],
          useFactory: (store: Store) => postgresAgentStore(store, hubActor.actor),
        },
        {
          provide: hubParts.incarnation,
          inject: [hubParts.store],
          useFactory: (store: Store) => store.feed.incarnation(),
        },
        StoreDoor,
      ],
      exports: Object.values(hubParts),
    };
  }
}

/** The agents' end. */
@Module({})
export class HubModule {
  static forRoot(config: HubConfig, seams: HubSeams): DynamicModule {
    const foundation = HubFoundation.forRoot(config, seams);
    const rpc = RpcModule.forRootAsync<HubPrincipal>({
      imports: [foundation],
      inject: [hubParts.authority, hubParts.agents],
      useFactory: (authority: Authority, store: AgentStore) => serverOptions(config, seams, authority, store),
    });
    const own = [Lines, LabelKeys, StatusIntake, HeartbeatIntake, Reception, Upkeep, OwnCertificate, OwnAddress];
    return {
      module: HubModule,
      imports: [foundation, rpc],
      providers: [...own, EnrolmentController, AgentLineController, TunnelController],
    };
  }
}

async function serverOptions(
  config: HubConfig,
  { log }: HubSeams,
  authority: Authority,
  store: AgentStore,
): Promise<RpcServerOptions<HubPrincipal>> {
  const { tls } = await authority.issueForServer(certificateHosts(config));
  return {
    app: 'hub',
    log, // and no clock: gRPC counts deadlines by the process' own
    authenticate: authenticator({ authority, store }),
    grpc: { ...config.listen, setting: 'BERTH_HUB_ADDRESS', tls },
    maxRequestBytes: 16 * 1024 * 1024,
    drainMs: 2_000,
  };
}
