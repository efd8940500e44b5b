import { Inject, Injectable } from '@nestjs/common';
import type { Millis } from '#domain';
import type { AgentStore } from '#store';
import { type HubSeams, hubParts } from '../parts.js';
import { Lines } from './lines.js';

/** Releases of so long are looked at together. */
const paceMs: Millis = 200;

/** Tells agents which labels of their nodes releases select by. */
@Injectable()
export class LabelKeys {
  #reading: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(
    @Inject(hubParts.agents) private readonly store: Pick<AgentStore, 'nodeLabelKeys'>,
    @Inject(hubParts.seams) private readonly seams: Pick<HubSeams, 'sleep'>,
    @Inject(Lines) private readonly lines: Pick<Lines, 'tellLabelKeys'>,
  ) {}

  /** Releases may have come or moved on: read at once, and not again for a while. */
  changed(signal: AbortSignal, onFailure: (error: unknown) => void): void {
    this.#isAskedAgain = true;
    this.#reading ??= this.#keepUp(signal, onFailure);
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  async #keepUp(signal: AbortSignal, onFailure: (error: unknown) => void): Promise<void> {
    while (this.#isAskedAgain && !signal.aborted) {
      this.#isAskedAgain = false;
      try {
        this.lines.tellLabelKeys(await this.store.nodeLabelKeys());
      } catch (error) {
        onFailure(error);
      }
      await this.seams.sleep(paceMs, signal);
    }
    this.#reading = undefined;
  }
}
