import { AccessUnusable, type MemberCluster, type Timing } from '#kube';
import { RpcError } from '#platform/light';
import { directoryKeeper } from '../identity/directory-keeper.js';
import { NotEnrolled, WrongMember } from '../identity/enrolment.js';
import { HubNotTrusted } from '../identity/first-contact.js';
import { type AgentLog, backoffMs, rest } from '../seams.js';
import { startAgent } from '../start.js';
import { type FolderContent, forgetToken, readFolder } from './folder.js';

const retries = { firstMs: 1_000, longestMs: 60_000 };
/** An agent that has run for so long begins again without a grudge. */
const wellAfterMs = 60_000;

export interface ResidentParts {
  hub: string;
  folder: string;
  /** Opens the member that a kubeconfig names; relative paths in it start at the folder. */
  connect(kubeconfig: { yaml: string; directory: string }): Promise<MemberCluster>;
  timing: Timing;
  log: AgentLog;
}

/** What an operator can act on, as one word for the log; undefined for a defect, which shows its stack. */
function reasonOf(error: unknown): string | undefined {
  const isTheirs =
    error instanceof NotEnrolled ||
    error instanceof WrongMember ||
    error instanceof HubNotTrusted ||
    error instanceof AccessUnusable ||
    error instanceof RpcError ||
    (error instanceof Error && 'code' in error);
  return isTheirs ? error.name : undefined;
}

/** One cluster's agent among many in one process: whatever fails is its own trouble, and is tried again. */
export class Resident {
  readonly #over = new AbortController();
  #hurry = new AbortController();
  readonly #done: Promise<void>;

  constructor(private readonly parts: ResidentParts) {
    this.#done = this.#run();
  }

  /** Its files have changed: begins again with them at once. */
  renew(): void {
    this.#hurry.abort();
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the agent ends'));
    await this.#done;
  }

  async #run(): Promise<void> {
    const { timing, log } = this.parts;
    const { signal } = this.#over;
    let failures = 0;
    while (!signal.aborted) {
      this.#hurry = new AbortController();
      const began = timing.clock.now();
      try {
        await this.#live();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures = timing.clock.now() - began >= wellAfterMs ? 1 : failures + 1;
        const retryInMs = Math.round(backoffMs(failures, retries, timing.chance));
        const reason = reasonOf(error);
        const said = reason === undefined ? { err: error } : { reason, message: messageOf(error) };
        log.error({ ...said, retryInMs }, 'this cluster is not served; trying again');
        await rest(timing, retryInMs, AbortSignal.any([signal, this.#hurry.signal]));
      }
    }
  }

  /** Until its files change or it is closed; rejects when it cannot go on. */
  async #live(): Promise<void> {
    const { hub, folder, timing, log, connect } = this.parts;
    const signal = AbortSignal.any([this.#over.signal, this.#hurry.signal]);
    const content: FolderContent | undefined = await readFolder(folder);
    if (content === undefined) throw new AccessUnusable('there is no kubeconfig in the folder');
    const member = await connect({ yaml: content.yaml, directory: folder });
    const agent = await startAgent({
      ...{ hub, member, log, identity: directoryKeeper(folder), token: content.token, signal },
      ...{ clock: timing.clock, chance: timing.chance, sleep: timing.sleep },
    });
    if (content.token !== undefined) await forgetToken(folder);
    const asked = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([agent.done, asked]);
    } finally {
      await agent.close();
    }
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
