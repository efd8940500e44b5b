import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ClusterId, Instant } from '#domain';
import type { AgentStore, FleetNews } from '#store';
import type { HubConfig } from '../config.js';
import { type HubLog, type HubSeams, hubParts } from '../parts.js';
import { LabelKeys } from './label-keys.js';
import { Lines } from './lines.js';
import { repeatedly } from './periodic.js';

/** Wakes lines by the feed, makes lost wake-ups good by a scan, and sweeps leases that ran out. */
@Injectable()
export class Upkeep implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | undefined;
  /** Of these clusters' silence everybody has been told. */
  #silent: readonly ClusterId[] = [];
  /** Until then no lease is swept: agents were not heard because nobody could hear them. */
  #deafUntil: Instant = 0;

  constructor(
    @Inject(hubParts.agents) private readonly store: AgentStore,
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(hubParts.seams) private readonly seams: HubSeams,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(Lines) private readonly lines: Lines,
    @Inject(LabelKeys) private readonly labels: LabelKeys,
  ) {}

  onApplicationBootstrap(): void {
    const { signal } = this.#stopping;
    const { leaseTtlMs, scanIntervalMs } = this.config;
    const { sleep } = this.seams;
    this.grantGrace();
    this.labelsChanged();
    signal.addEventListener(
      'abort',
      this.store.hints((cluster) => this.lines.wake(cluster)),
    );
    this.#running = Promise.all([
      this.follow(signal),
      repeatedly({
        sleep,
        everyMs: scanIntervalMs,
        signal,
        work: async () => this.labelsChanged(),
        onFailure: (err) => this.labelsUnread(err),
      }),
      repeatedly({
        sleep,
        everyMs: scanIntervalMs,
        signal,
        work: () => this.lines.check(),
        onFailure: (err) => this.log.warn({ err }, 'lines could not be checked; trying again'),
      }),
      repeatedly({
        sleep,
        everyMs: Math.max(100, Math.min(scanIntervalMs, leaseTtlMs / 5)),
        signal,
        work: () => this.sweep(),
        onFailure: (err) => {
          this.grantGrace();
          this.log.warn({ err }, 'leases could not be swept; trying again');
        },
      }),
      repeatedly({
        sleep,
        everyMs: scanIntervalMs,
        signal,
        work: async () => void (await this.store.sweepConditions()),
        onFailure: (err) => this.log.warn({ err }, 'conditions could not be swept; trying again'),
      }),
    ]);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.labels.idle();
  }

  private async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const news of this.store.news(signal)) await this.announced(news);
      } catch (err) {
        if (signal.aborted) return;
        this.log.warn({ err }, 'the feed could not be followed; trying again');
        await this.seams.sleep(500, signal);
      }
    }
  }

  private async announced(news: readonly FleetNews[]): Promise<void> {
    for (const { kind, resource, sequence } of news) if (kind === 'work') this.lines.wake(resource, sequence);
    const changed = new Set(news.filter(({ kind }) => kind === 'cluster').map(({ resource }) => resource));
    if (news.some(({ kind }) => kind === 'release')) this.labelsChanged();
    if (changed.size > 0) await this.lines.check(changed);
  }

  private labelsChanged(): void {
    this.labels.changed(this.#stopping.signal, (err) => this.labelsUnread(err));
  }

  private labelsUnread(err: unknown): void {
    this.log.warn({ err }, 'node labels that releases select by could not be read; trying again');
  }

  /** A full lease, and as long again for coming back. */
  private grantGrace(): void {
    this.#deafUntil = this.seams.clock.now() + 2 * this.config.leaseTtlMs;
  }

  private async sweep(): Promise<void> {
    if (this.seams.clock.now() < this.#deafUntil) return this.store.ping();
    for (const cluster of await this.store.sweepLeases())
      this.log.warn({ cluster }, 'lease ran out: cluster unreachable');
    this.#silent = await this.store.announceSilent(this.#silent);
  }
}
