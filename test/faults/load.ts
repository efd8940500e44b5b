import type { MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '#contract';
import { RpcError } from '#platform';
import { application } from '../e2e/station.js';
import { pause } from '../kubernetes/process.js';
import type { BerthProcesses } from './processes.js';

const applicationCount = 10;
const pauseMs = 120;

/** What a busy or healing system may answer; the order is not taken, and given again or not as chance has it. */
const putOff: ReadonlySet<string> = new Set(['UNAVAILABLE', 'ABORTED', 'FAILED_PRECONDITION', 'ALREADY_EXISTS']);

/** A tenant who applies, changes and deletes without end, and remembers what was taken. */
export class Load {
  /** By application: the mark of its newest content; undefined once it is to go. */
  readonly ordered = new Map<string, string | undefined>();
  readonly counts = { applied: 0, deleted: 0, putOff: 0 };

  constructor(
    private readonly berth: Pick<BerthProcesses, 'applications'>,
    private readonly chance: () => number,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.step();
      await pause(pauseMs * (0.5 + this.chance()));
    }
  }

  async step(): Promise<void> {
    const id = `app-${Math.floor(this.chance() * applicationCount)}`;
    const isDeletion = this.ordered.get(id) !== undefined && this.chance() < 0.25;
    try {
      if (isDeletion) await this.#delete(id);
      else await this.#apply(id);
    } catch (error) {
      if (!(error instanceof RpcError) || !putOff.has(error.code)) throw error;
      this.counts.putOff += 1;
    }
  }

  async #apply(id: string): Promise<void> {
    const mark = `mark-${this.counts.applied}`;
    const value = specOf(id, mark, this.chance);
    await this.berth.applications.applyApplication({ name: application(id), source: { case: 'spec', value } });
    this.ordered.set(id, mark);
    this.counts.applied += 1;
  }

  async #delete(id: string): Promise<void> {
    await this.berth.applications.deleteApplication({ name: application(id) });
    this.ordered.set(id, undefined);
    this.counts.deleted += 1;
  }
}

/** Now with a second component, a Service and a ConfigMap, and now without: what is dropped is to go. */
function specOf(id: string, mark: string, chance: () => number): MessageInitShape<typeof wire.ApplicationSpecSchema> {
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${id}-config` }, data: { mark } };
  const component = (name: string, objects: (typeof config)[]) => ({
    name,
    kind: wire.ComponentKind.SERVICE,
    replicas: 1 + Math.floor(chance() * 3),
    containers: [
      {
        name: 'main',
        image: 'registry.example.com/shop/web:1.4.2',
        env: [{ name: 'MARK', value: mark }],
        ports: [{ name: 'http', port: 8080 }],
        requests: { cpu: '50m', memory: '64Mi' },
      },
    ],
    servicePorts: chance() < 0.5 ? [{ name: 'http', port: 80, targetPortName: 'http', protocol: 'TCP' }] : [],
    kubernetes: { objects },
  });
  return {
    components: [
      component(`${id}-web`, chance() < 0.5 ? [config] : []),
      ...(chance() < 0.4 ? [component(`${id}-extra`, [])] : []),
    ],
    placement: { division: chance() < 0.7 ? wire.Division.DUPLICATED : wire.Division.PACKED },
  };
}
