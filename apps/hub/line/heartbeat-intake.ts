import { Inject, Injectable } from '@nestjs/common';
import type { AgentStore, Heartbeat } from '#store';
import type { HubConfig } from '../config.js';
import { type HubSeams, hubParts } from '../parts.js';
import { Batcher } from './batcher.js';

export interface HeartbeatVerdict {
  verdict: 'stored' | 'superseded';
  /** The digest of this heartbeat's inventory is not known to the store. */
  asksForSchema: boolean;
}

const lingerMs = 10;
const paceMs = 100;
const mostBeats = 500;

/** Heartbeats of all streams, in few transactions. */
@Injectable()
export class HeartbeatIntake {
  private readonly batcher: Batcher<Heartbeat, HeartbeatVerdict>;

  constructor(
    @Inject(hubParts.agents) private readonly store: AgentStore,
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(hubParts.seams) { sleep }: HubSeams,
  ) {
    this.batcher = new Batcher({
      sleep,
      lingerMs,
      paceMs,
      maxWeight: mostBeats,
      weigh: () => 1,
      handle: (beats) => this.commit(beats),
    });
  }

  /** Resolves after the commit. A stream has one under way at a time. */
  submit(beat: Heartbeat): Promise<HeartbeatVerdict> {
    return this.batcher.add(beat);
  }

  idle(): Promise<void> {
    return this.batcher.idle();
  }

  private async commit(beats: readonly Heartbeat[]): Promise<HeartbeatVerdict[]> {
    const { superseded, unknownSchemas } = await this.store.storeHeartbeats(beats, this.config.leaseTtlMs);
    return beats.map((beat) => ({
      verdict: superseded.includes(beat) ? 'superseded' : 'stored',
      asksForSchema: beat.inventory?.schemaDigest !== undefined && unknownSchemas.includes(beat.inventory.schemaDigest),
    }));
  }
}
