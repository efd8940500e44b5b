import { type ClusterId, Unavailable } from '#domain';
import type { LineGrant, LineRequest } from './lines.js';

/** Few, so that those who come meanwhile gather; two, so that the next batch is under way while one waits for the disk. */
const batchesAtOnce = 2;
const mostInBatch = 64;

interface Waiting {
  request: LineRequest;
  resolve(grant: LineGrant): void;
  reject(error: unknown): void;
}

/**
 * Lets openings that wait at the same time share a transaction: a fleet that comes back opens a line for every cluster, and
 * commits one by one were most of what it waited for. One that comes alone waits for nobody. A cluster is under way once: of
 * two openings the one that was asked for later gets the later epoch.
 */
export class Openings {
  #waiting: Waiting[] = [];
  readonly #underWay = new Set<ClusterId>();
  #running = 0;

  /** `open` answers in the order of the requests; all or nothing. */
  constructor(private readonly open: (requests: readonly LineRequest[]) => Promise<LineGrant[]>) {}

  ask(request: LineRequest): Promise<LineGrant> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#go();
    });
  }

  #go(): void {
    while (this.#running < batchesAtOnce) {
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#running += 1;
      for (const { request } of batch) this.#underWay.add(request.cluster);
      void this.#settle(batch).finally(() => {
        this.#running -= 1;
        for (const { request } of batch) this.#underWay.delete(request.cluster);
        this.#go();
      });
    }
  }

  /** The first of each cluster that is not under way; what stays keeps its order. */
  #take(): Waiting[] {
    const batch = new Map<ClusterId, Waiting>();
    const left: Waiting[] = [];
    for (const each of this.#waiting) {
      const { cluster } = each.request;
      const isFree = !batch.has(cluster) && !this.#underWay.has(cluster);
      if (isFree && batch.size < mostInBatch) batch.set(cluster, each);
      else left.push(each);
    }
    this.#waiting = left;
    return [...batch.values()];
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const grants = await this.open(batch.map(({ request }) => request));
      batch.forEach(({ resolve, reject }, index) => {
        const grant = grants[index];
        if (grant === undefined) reject(new Error('an opening without an answer'));
        else resolve(grant);
      });
    } catch (error) {
      // What one agent says of itself must not keep the others out.
      if (batch.length > 1 && !(error instanceof Unavailable)) for (const each of batch) await this.#settle([each]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
