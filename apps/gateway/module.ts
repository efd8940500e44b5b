import { type Message } from '@bufbuild/protobuf';
import { type DynamicModule, Module } from '@nestjs/common';
import type { Principal } from '#domain';
import { type RpcCall, RpcModule, type RpcObserver, type RpcServerOptions } from '#platform';
import type { PluginHost } from '#plugins';
import type { Store } from '#store';
import { ApplicationController } from './applications/controller.js';
import { Authenticator } from './auth/authenticator.js';
import { authorize } from './auth/permissions.js';
import { checkScope } from './auth/scope.js';
import { ClusterController } from './clusters/controller.js';
import type { GatewayConfig } from './config.js';
import { OperationController } from './operations/controller.js';
import { type GatewaySeams, gatewayParts } from './parts.js';
import { TenancyController } from './tenancy/controller.js';
import { WorkloadController } from './workloads/controller.js';
import { Relays } from './workloads/relays.js';

/** Largest request: manifests may have 2 MiB, and JSON writes them longer. */
const maxRequestBytes = 4 * 1024 * 1024;

/** What the module is built from, made before it. */
export interface GatewayModuleOptions {
  config: GatewayConfig;
  store: Store;
  /** Absent: there are none. */
  plugins?: PluginHost | undefined;
  seams: GatewaySeams;
  observe: RpcObserver | undefined;
}

/** The same door for every method and protocol: who calls, whether they may, whether what they name is theirs. */
const serverOptions = (
  { config, seams, observe }: GatewayModuleOptions,
  authenticator: Authenticator,
): RpcServerOptions<Principal> => ({
  app: 'gateway',
  log: seams.log,
  clock: seams.clock,
  grpc: { ...config.grpc, setting: 'BERTH_GATEWAY_ADDRESS' },
  ...(config.http === undefined ? {} : { http: { ...config.http, setting: 'BERTH_GATEWAY_HTTP_ADDRESS' } }),
  ...(observe === undefined ? {} : { observe }),
  maxRequestBytes,
  authenticate: (call) => authenticator.authenticate(call),
  authorize: (call) => authorize(call),
  validate: (request: Message, call: RpcCall<Principal>) => checkScope(request, call),
});

@Module({})
class PartsModule {}

/** Everything that the gateway is made of. */
@Module({})
export class GatewayModule {
  static forRoot(options: GatewayModuleOptions): DynamicModule {
    const { store, plugins, seams } = options;
    const parts: DynamicModule = {
      module: PartsModule,
      providers: [
        { provide: gatewayParts.store, useValue: store },
        { provide: gatewayParts.ids, useValue: seams.ids },
        { provide: gatewayParts.clock, useValue: seams.clock },
        { provide: gatewayParts.log, useValue: seams.log },
        { provide: gatewayParts.plugins, useValue: plugins },
        { provide: gatewayParts.enrolment, useValue: seams.enrolment },
        Authenticator,
      ],
      exports: [...Object.values(gatewayParts), Authenticator],
    };
    const rpc = RpcModule.forRootAsync<Principal>({
      imports: [parts],
      inject: [Authenticator],
      useFactory: (authenticator: Authenticator) => serverOptions(options, authenticator),
    });
    const controllers = [TenancyController, ApplicationController, ClusterController, OperationController];
    const providers = [...controllers, WorkloadController, Relays];
    return { module: GatewayModule, imports: [parts, rpc], providers };
  }
}
