import type { ApplicationSpec } from '#domain';
import type { ApplicationKey, SpecMemory } from '#store';

/** As stored, compressed: what it takes in memory is several times as much. */
const largestBytes = 32 * 1024;
const mostBytes = 4 * 1024 * 1024;

interface Kept {
  /** `uid:revision`. */
  revision: string;
  spec: ApplicationSpec;
  bytes: number;
}

const keyOf = (tenant: string, project: string, application: string) => `${tenant}/${project}/${application}`;

/**
 * The newest content of applications that are read often. It grants nothing: the row that row-level security lets a
 * caller see says which uid and revision it is, and only that content is given out.
 */
export class RecentSpecs implements SpecMemory {
  /** In the order in which they were used. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  recall(of: {
    tenant: string;
    project: string;
    applications: readonly string[];
  }): ReadonlyMap<string, ApplicationSpec> {
    const recalled = new Map<string, ApplicationSpec>();
    for (const application of of.applications) {
      const key = keyOf(of.tenant, of.project, application);
      const kept = this.#kept.get(key);
      if (kept === undefined) continue;
      recalled.set(kept.revision, kept.spec);
      this.#kept.delete(key);
      this.#kept.set(key, kept);
    }
    return recalled;
  }

  keep(of: ApplicationKey, revision: string, spec: ApplicationSpec, bytes: number): void {
    const key = keyOf(of.tenant, of.project, of.application);
    this.#forget(key);
    if (bytes > largestBytes) return;
    this.#kept.set(key, { revision, spec, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= mostBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
