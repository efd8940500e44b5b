import type { PluginAnswer } from '#domain';
import type { Question } from './question.js';

/** What a plug-in said, as it came: an answer for each group, of which only the form is sure. */
export interface Said {
  version: string;
  answers: readonly Omit<PluginAnswer, 'plugin' | 'version'>[];
}

/** A plug-in, wherever it runs. */
export interface Plugin {
  /**
   * Asks about groups and the fleet before which they stand. When the signal fires nobody waits any more: what still runs
   * for the question is ended.
   *
   * @throws PluginFailure when there is no answer.
   */
  ask(question: Question, signal: AbortSignal): Promise<Said>;
  close(): Promise<void>;
}

/** There is no answer. The message fits behind the plug-in's name: "is not reachable". */
export class PluginFailure extends Error {
  override readonly name = 'PluginFailure';
}
