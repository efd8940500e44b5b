import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Instant } from '#domain';
import { RpcHost } from '#platform';
import { certificateHosts, type HubConfig } from '../config.js';
import { type HubLog, type HubSeams, hubParts } from '../parts.js';
import type { Authority } from './authority.js';

const longestPauseMs = 3_600_000;

/** Renews the hub's own certificate when two thirds of its life have passed; open connections live on. */
@Injectable()
export class OwnCertificate implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(
    @Inject(hubParts.authority) private readonly authority: Authority,
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(hubParts.seams) private readonly seams: HubSeams,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(RpcHost) private readonly host: RpcHost,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.keepFresh(this.#stopping.signal);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  private async keepFresh(signal: AbortSignal): Promise<void> {
    let due = this.dueAfter(this.config.certificateLifetimeMs);
    while (!signal.aborted) {
      await this.seams.sleep(Math.min(longestPauseMs, Math.max(50, due - this.seams.clock.now())), signal);
      if (signal.aborted || this.seams.clock.now() < due) continue;
      const { tls, expiresAt } = await this.authority.issueForServer(certificateHosts(this.config));
      this.host.server.replaceTls(tls);
      due = this.dueAfter(expiresAt - this.seams.clock.now());
      this.log.info({ expiresAt: new Date(expiresAt).toISOString() }, 'own certificate renewed');
    }
  }

  private dueAfter(leftMs: number): Instant {
    return this.seams.clock.now() + (leftMs * 2) / 3;
  }
}
