import type { Instant, Millis } from '#domain';
import type { KubeClient } from '../client/client.js';
import { AccessForbidden, isNotFound, KubeError } from '../client/errors.js';
import { amountsAt, bytesOf, mcpuOf } from './pod-requests.js';
import type { Bounds } from './port.js';

interface Sample {
  at: Instant;
  mcpu: number;
  memoryBytes: number;
}

const metricsKind = { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'NodeMetrics' } as const;
/** metrics-server itself measures every 15 s. */
const shortestPause: Millis = 15_000;
const window: Millis = 15 * 60_000;
/** Figures older than this say nothing of now. */
const longestAge: Millis = 90_000;

/** The value that 95 % of the samples do not exceed (nearest rank). */
const p95 = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
};

/** Measured use of all nodes together, sampled from metrics.k8s.io when the cluster serves it. */
export class MeasuredUse {
  private samples: Sample[] = [];
  private triedAt: Instant | undefined;

  constructor(private readonly client: KubeClient) {}

  /** p95 over the last 15 minutes; undefined without metrics, or when they stopped coming. */
  async read(bounds: Bounds): Promise<{ mcpu: number; memoryBytes: number } | undefined> {
    const now = this.client.timing.clock.now();
    if (this.triedAt === undefined || now - this.triedAt >= shortestPause) {
      this.triedAt = now;
      await this.sample(now, bounds);
    }
    this.samples = this.samples.filter((sample) => now - sample.at <= window);
    const last = this.samples.at(-1);
    if (last === undefined || now - last.at > longestAge) return undefined;
    return {
      mcpu: p95(this.samples.map((sample) => sample.mcpu)),
      memoryBytes: p95(this.samples.map((sample) => sample.memoryBytes)),
    };
  }

  private async sample(at: Instant, bounds: Bounds): Promise<void> {
    const { kinds } = await this.client.discovery(bounds);
    if (!kinds.has(`${metricsKind.apiVersion}/${metricsKind.kind}`)) return;
    const sum: Sample = { at, mcpu: 0, memoryBytes: 0 };
    let nodes = 0;
    try {
      for await (const { items } of this.client.list(metricsKind, { ...bounds, timeoutMs: 5_000 }))
        for (const item of items) {
          const usage = amountsAt(item, 'usage');
          sum.mcpu += mcpuOf(usage) ?? 0;
          sum.memoryBytes += bytesOf(usage) ?? 0;
          nodes += 1;
        }
    } catch (error) {
      // metrics are a bonus: without them placement goes by requests, and `read` shows that they are missing
      const isAbsence = isNotFound(error) || error instanceof AccessForbidden;
      if (isAbsence || (error instanceof KubeError && error.passing)) return;
      throw error;
    }
    if (nodes > 0) this.samples.push(sum);
  }
}
