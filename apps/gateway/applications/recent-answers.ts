import type { wire } from '#contract';
import { sharedAnswer } from '#platform';
import type { NamedApplication } from '#store';
import { applicationToWire } from './view.js';

/** A project's applications, by id. */
export interface Asked {
  tenant: string;
  project: string;
  applications: readonly string[];
}

interface Kept {
  digest: string;
  answer: wire.Application;
}

const mostKept = 2_000;
/** Larger applications are translated anew each time: a few of them would fill the memory. */
const mostComponents = 20;

const keyOf = ({ tenant, project }: Omit<Asked, 'applications'>, application: string) =>
  `${tenant}/${project}/${application}`;

/**
 * What Get last answered for applications that are read often. It grants nothing and is never older than the store: each
 * Get asks the store, under the caller's rights, for the digest of everything that the answer depends on, and an answer
 * is given again only for that very digest.
 */
export class RecentAnswers {
  /** In the order in which they were used. */
  readonly #kept = new Map<string, Kept>();

  /** The answers that may still hold, by digest. */
  recall(asked: Asked): ReadonlyMap<string, wire.Application> {
    const recalled = new Map<string, wire.Application>();
    for (const application of asked.applications) {
      const key = keyOf(asked, application);
      const kept = this.#kept.get(key);
      if (kept === undefined) continue;
      recalled.set(kept.digest, kept.answer);
      this.#kept.delete(key);
      this.#kept.set(key, kept);
    }
    return recalled;
  }

  /** Translates what the store has sent. */
  keep(of: Omit<Asked, 'applications'>, { application, digest, stored }: NamedApplication): wire.Application {
    if (stored === undefined) throw new Error(`the store knows ${digest} of ${application}, and nobody here does`);
    const answer = sharedAnswer(applicationToWire(stored));
    if (stored.spec.components.length > mostComponents) return answer;
    this.#kept.set(keyOf(of, application), { digest, answer });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
    return answer;
  }
}
