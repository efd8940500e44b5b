import type { TraceNode, TracePod } from './input.js';

/** Free devices of a cluster by model, as a scheduler knows them that has sums only; in thousandths of a device. */
export class DeviceSums {
  readonly #free = new Map<string, number>();

  constructor(nodes: readonly TraceNode[]) {
    for (const { model, devices } of nodes) this.#free.set(model, (this.#free.get(model) ?? 0) + devices * 1000);
  }

  takes(pod: TracePod): boolean {
    return pod.devices === 0 || this.#modelFor(pod) !== undefined;
  }

  /** From the model that has the most left: which one the member takes only the member knows. */
  take(pod: TracePod): void {
    const model = pod.devices === 0 ? undefined : this.#modelFor(pod);
    if (model !== undefined) this.#free.set(model, (this.#free.get(model) ?? 0) - pod.devices * pod.deviceMilli);
  }

  #modelFor({ models, devices, deviceMilli }: TracePod): string | undefined {
    let found: string | undefined;
    let most = devices * deviceMilli - 1;
    for (const [model, free] of this.#free)
      if (free > most && (models.length === 0 || models.includes(model))) {
        found = model;
        most = free;
      }
    return found;
  }
}
