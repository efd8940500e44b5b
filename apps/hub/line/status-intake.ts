import { Inject, Injectable } from '@nestjs/common';
import type { AgentStore, StatusWrite } from '#store';
import { type HubLog, type HubSeams, hubParts } from '../parts.js';
import { Batcher } from './batcher.js';

/** `superseded`: the epoch is no longer the cluster's, and nothing was stored. */
export type IntakeVerdict = 'stored' | 'superseded';

const lingerMs = 4;
const paceMs = 40;
const mostRows = 2_000;

/** Status of all streams, in few transactions. */
@Injectable()
export class StatusIntake {
  private readonly batcher: Batcher<StatusWrite, IntakeVerdict>;

  constructor(
    @Inject(hubParts.agents) private readonly store: AgentStore,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(hubParts.seams) { sleep }: HubSeams,
  ) {
    this.batcher = new Batcher({
      sleep,
      lingerMs,
      paceMs,
      maxWeight: mostRows,
      weigh: (write) => 1 + write.works.length + write.tombstones.length,
      handle: (writes) => this.commit(writes),
    });
  }

  /** Resolves after the commit. */
  submit(write: StatusWrite): Promise<IntakeVerdict> {
    return this.batcher.add(write);
  }

  idle(): Promise<void> {
    return this.batcher.idle();
  }

  private async commit(writes: readonly StatusWrite[]): Promise<IntakeVerdict[]> {
    const { superseded, strangers } = await this.store.storeStatus(writes);
    const byCluster = new Map<string, number>();
    for (const { cluster } of strangers) byCluster.set(cluster, (byCluster.get(cluster) ?? 0) + 1);
    for (const [cluster, works] of byCluster)
      this.log.warn({ cluster, works }, 'status of works that belong to no or another cluster');
    return writes.map((write) => (superseded.includes(write) ? 'superseded' : 'stored'));
  }
}
