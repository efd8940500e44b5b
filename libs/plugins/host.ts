import type { Clock, ClusterId, Millis, PluginAnswer } from '#domain';
import { type EnginePlugin, type ExternalAnswers, faultOf, type Snapshot } from '#placement';
import type { Logger } from '#platform';
import { type Plugin, PluginFailure } from './port.js';
import { clusterViews, type GroupView, type Question } from './question.js';
import { RemotePlugin } from './remote/remote-plugin.js';
import { Rest } from './rest.js';
import type { PluginSettings } from './settings.js';
import { WorkerPlugin } from './worker/worker-plugin.js';

/** What became of a question; of `nonsense` at least one group's answer does not count. */
export interface Asking {
  plugin: string;
  outcome: 'answered' | 'nonsense' | 'failed' | 'left-alone';
  seconds: number;
}

export interface HostParts {
  log: Logger;
  clock: Clock;
  observe?: ((asking: Asking) => void) | undefined;
}

/** Clusters × groups of one question: more are asked in several. */
const mostCells = 1_000_000;

/** One plug-in, and how it has done. */
class Consulted {
  readonly #plugin: Plugin;
  readonly #rest: Rest;
  #isNonsense = false;

  constructor(
    readonly of: PluginSettings,
    private readonly parts: HostParts,
  ) {
    const { engine, settings, runs, timeoutMs } = of;
    this.#plugin =
      runs.as === 'package'
        ? new WorkerPlugin({ engine, settings, runs, log: parts.log })
        : new RemotePlugin({ engine, settings, runs, timeoutMs });
    this.#rest = new Rest(parts.clock);
  }

  /** Makes it ready for the first question, if it can. */
  async start(): Promise<void> {
    if (!(this.#plugin instanceof WorkerPlugin)) return;
    const { log } = this.parts;
    await this.#plugin.start().catch((error: unknown) => {
      log.error({ plugin: this.of.engine.name, err: error }, 'plug-in cannot be loaded; its default counts');
    });
  }

  close(): Promise<void> {
    return this.#plugin.close();
  }

  /** An answer for each group; never rejects. */
  async ask({ groups, clusters }: Question, ids: readonly ClusterId[]): Promise<PluginAnswer[]> {
    const each = Math.max(1, Math.floor(mostCells / Math.max(1, clusters.length)));
    const answers: PluginAnswer[] = [];
    for (let from = 0; from < groups.length; from += each)
      answers.push(...(await this.#askOnce({ groups: groups.slice(from, from + each), clusters }, ids)));
    return answers;
  }

  async #askOnce(question: Question, ids: readonly ClusterId[]): Promise<PluginAnswer[]> {
    const { clock } = this.parts;
    const begun = clock.now();
    const note = (outcome: Asking['outcome']): void =>
      this.parts.observe?.({ plugin: this.of.engine.name, outcome, seconds: (clock.now() - begun) / 1000 });
    if (this.#rest.isOn) {
      note('left-alone');
      return failed(question, this.of.engine, `is left alone for a while: ${this.#rest.lastFailure}`);
    }
    try {
      const answers = await this.#said(question, ids);
      const fault = answers.find(({ failure }) => failure !== undefined)?.failure;
      note(fault === undefined ? 'answered' : 'nonsense');
      this.#noteAnswer(fault);
      return answers;
    } catch (error) {
      note('failed');
      const why = error instanceof PluginFailure ? error.message : `could not be asked: ${String(error)}`;
      this.#noteFailure(why, error);
      return failed(question, this.of.engine, plain(why));
    }
  }

  async #said(question: Question, ids: readonly ClusterId[]): Promise<PluginAnswer[]> {
    const { engine, timeoutMs } = this.of;
    const { version, answers } = await within(timeoutMs, (signal) => this.#plugin.ask(question, signal));
    if (answers.length !== question.groups.length)
      throw new PluginFailure(`gave ${answers.length} answers for ${question.groups.length} groups`);
    return answers.map((said) => {
      const answer = { ...said, plugin: engine.name, version: plain(version), reasons: said.reasons.map(plain) };
      const failure = said.failure === undefined ? faultOf(answer, engine, ids) : plain(said.failure);
      return failure === undefined ? compact(answer) : { ...answer, failure, verdicts: undefined, scores: undefined };
    });
  }

  #noteAnswer(fault: string | undefined): void {
    const { log } = this.parts;
    const plugin = this.of.engine.name;
    const hadFailed = this.#rest.noteAnswer();
    const wasNonsense = this.#isNonsense;
    this.#isNonsense = fault !== undefined;
    if (fault !== undefined && !wasNonsense)
      log.warn({ plugin, fault }, 'plug-in answers nonsense; its default counts');
    if (fault === undefined && (hadFailed || wasNonsense)) log.info({ plugin }, 'plug-in answers well again');
  }

  #noteFailure(why: string, error: unknown): void {
    const { log } = this.parts;
    const plugin = this.of.engine.name;
    if (this.#rest.noteFailure(why)) log.warn({ plugin, why, err: error }, 'plug-in failed; its default counts');
  }
}

/** Columns of one kind, wherever they came from: the engine runs over them for every decision. */
const compact = (answer: PluginAnswer): PluginAnswer => ({
  ...answer,
  verdicts: answer.verdicts && Uint8Array.from(answer.verdicts),
  scores: answer.scores && Int16Array.from(answer.scores),
});

/** What it says ends up in terminals. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');

/** Hands a signal that fires after so long, and waits no longer. */
async function within<T>(timeoutMs: Millis, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new PluginFailure(`timeout after ${timeoutMs} ms`));
      late.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([ask(late.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const failed = ({ groups }: Question, { name }: EnginePlugin, failure: string): PluginAnswer[] =>
  groups.map(() => ({
    ...{ plugin: name, version: '', failure },
    ...{ reasons: [], verdicts: undefined, scores: undefined },
  }));

/** The plug-ins of one process: asked about groups before they are decided. */
export class PluginHost {
  readonly #consulted: readonly Consulted[];

  constructor(
    readonly settings: readonly PluginSettings[],
    parts: HostParts,
  ) {
    this.#consulted = settings.map((each) => new Consulted(each, parts));
  }

  /** As the engine's policy has them. */
  get plugins(): readonly EnginePlugin[] {
    return this.settings.map(({ engine }) => engine);
  }

  /** What plug-ins refused is asked again after so long; undefined when none of them filters. */
  get askAgainMs(): Millis | undefined {
    const filtering = this.settings.filter(({ engine }) => engine.filter !== undefined);
    return filtering.length === 0 ? undefined : Math.min(...filtering.map(({ askAgainMs }) => askAgainMs));
  }

  /** Resolves when packages are loaded, or known not to be. */
  async start(): Promise<void> {
    await Promise.all(this.#consulted.map((each) => each.start()));
  }

  /**
   * One question about all groups to each plug-in, all at once. The answers are about the snapshot's clusters as they are
   * when it is called; whoever fails says so in them. Never rejects.
   */
  async consult(groups: readonly GroupView[], snapshot: Snapshot): Promise<ExternalAnswers[]> {
    if (groups.length === 0) return [];
    const { ids } = snapshot;
    const question = { groups, clusters: clusterViews(snapshot) };
    const said = await Promise.all(this.#consulted.map((each) => each.ask(question, ids)));
    return groups.map((_, at) => ({ clusters: ids, answers: said.flatMap((answers) => answers[at] ?? []) }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#consulted.map((each) => each.close()));
  }
}
