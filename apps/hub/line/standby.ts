import { line } from '#contract';
import type { AgentStore } from '#store';
import type { HubConfig } from '../config.js';
import type { HubLog, HubSeams } from '../parts.js';
import type { AgentPrincipal } from '../principal.js';
import type { AgentStream } from './agent-line.js';
import { hostNameOf, instanceIdOf } from './hello.js';
import { goodbye, type Lines } from './lines.js';

/** Where displaced agents wait until nobody holds their cluster's line: two of them would take it from each other for ever. */
export class Standby {
  constructor(
    private readonly store: AgentStore,
    private readonly config: Pick<HubConfig, 'leaseTtlMs' | 'scanIntervalMs'>,
    private readonly seams: Pick<HubSeams, 'clock' | 'sleep'>,
    private readonly lines: Pick<Lines, 'closing'>,
    private readonly log: HubLog,
  ) {}

  /** Resolves to true when the line is free; to false when the agent hung up, or was told goodbye. */
  async turn(stream: AgentStream, agent: AgentPrincipal, hello: line.Hello, hungUp: AbortSignal): Promise<boolean> {
    const { cluster } = agent;
    const instanceId = instanceIdOf(hello);
    const began = this.seams.clock.now();
    const over = AbortSignal.any([hungUp, this.lines.closing]);
    let isTold = false;
    let isNoted = false;
    try {
      for (;;) {
        const verdict = await this.verdict(agent);
        if (verdict === 'free') return !hungUp.aborted;
        if (verdict !== 'held') return await part(stream, verdict);
        if (!isTold) await stream.write({ message: { case: 'standby', value: {} } });
        isTold = true;
        const waitedMs = this.seams.clock.now() - began;
        // the old agent of a rolling update is gone by then
        if (waitedMs >= this.config.leaseTtlMs) {
          if (!isNoted) this.log.warn({ cluster, instanceId, waitedMs }, 'two agents run for the cluster: one waits');
          isNoted = true;
          await this.store.noteWaiting({ cluster, instanceId, hostName: hostNameOf(hello), waitedMs });
        }
        await this.seams.sleep(this.config.scanIntervalMs, over);
        if (hungUp.aborted) return false;
        if (over.aborted) return await part(stream, 'SHUTDOWN');
      }
    } finally {
      if (isNoted)
        await this.store.forgetWaiting({ cluster, instanceId }).catch((error: unknown) => {
          this.log.warn({ cluster, err: error }, 'the end of a wait was not stored; its age tells');
        });
    }
  }

  private async verdict({ cluster, serial }: AgentPrincipal) {
    const [standing] = await this.store.lineStandings([{ cluster, serial }]);
    if (standing?.epoch === undefined || standing.revoked) return 'REVOKED';
    if (standing.expired) return 'CERTIFICATE_EXPIRED';
    return standing.held ? 'held' : 'free';
  }
}

async function part(stream: AgentStream, reason: Parameters<typeof goodbye>[0]): Promise<false> {
  await stream.write({ message: { case: 'goodbye', value: goodbye(reason) } });
  return false;
}
