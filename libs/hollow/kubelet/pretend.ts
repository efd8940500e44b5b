import { createInterface } from 'node:readline';
import { Alarms, type Clock } from '../alarms.js';
import { Chance } from '../chance.js';
import { eventName, type Warning, warningEvent } from '../events.js';
import { fieldsAt, type KubeObject, type Node, type Pod } from '../objects.js';
import { type HttpAnswer, HttpClient, type ServerAccess } from './http-client.js';
import { PretendKubelet } from './kubelet.js';
import { type NodeGroup, type NodeShape, nodeConditions, nodeObject, nodesOf } from './node.js';

export interface PretendKubeletOptions extends ServerAccess {
  nodes: readonly NodeShape[] | NodeGroup;
  readyDelayMs?: readonly [number, number];
  terminateDelayMs?: readonly [number, number];
  runMs?: readonly [number, number];
  seed?: number | string;
  clock?: Clock;
  /** What the nodes say they run. */
  version?: string;
  /** Ends everything it started; registered nodes stay. */
  signal: AbortSignal;
  /** Told of refusals and lost connections; each is tried again. */
  onTrouble?: (what: string) => void;
}

export interface RunningKubelet {
  /** From now on pods with such an image stay in ImagePullBackOff. */
  failImage(pattern: RegExp): () => void;
  /** Settles once `signal` has ended it. */
  readonly done: Promise<void>;
}

const heartbeatMs = 10_000;
const retryMs = 500;
const mergePatch = 'application/merge-patch+json';

/**
 * Plays the kubelets of a real control plane: registers nodes, keeps them ready, makes the pods bound to them ready, and
 * removes the deleted. Resolves once all nodes are registered. Kubernetes 1.20 and newer; no Leases, nodes report status.
 */
export async function startPretendKubelet(options: PretendKubeletOptions): Promise<RunningKubelet> {
  const kubelet = new HttpKubelet(options);
  await kubelet.register();
  return { failImage: (pattern) => kubelet.failImage(pattern), done: kubelet.run() };
}

class HttpKubelet {
  private readonly http: HttpClient;
  private readonly alarms: Alarms;
  private readonly clock: Clock;
  private readonly shapes: readonly NodeShape[];
  private readonly names: ReadonlySet<string>;
  private readonly missing = new Set<RegExp>();
  private readonly kubelet: PretendKubelet;
  private stopWaiting: () => void = () => {};

  constructor(private readonly options: PretendKubeletOptions) {
    this.http = new HttpClient(options);
    this.clock = options.clock ?? { now: () => Date.now() };
    this.alarms = new Alarms(this.clock);
    this.shapes = nodesOf(options.nodes, 'node');
    this.names = new Set(this.shapes.map(({ name }) => name));
    this.kubelet = new PretendKubelet({
      client: {
        writePodStatus: (pod, status) => this.keepTrying(() => this.writeStatus(podPath(pod), pod, status)),
        removePod: (pod) => this.keepTrying(() => this.removePod(pod)),
        warn: (warning) => this.keepTrying(() => this.writeEvent(warning)),
      },
      alarms: this.alarms,
      chance: new Chance(options.seed ?? 'kubelet'),
      nowMs: () => this.clock.now(),
      readyDelayMs: options.readyDelayMs ?? [100, 400],
      terminateDelayMs: options.terminateDelayMs ?? [50, 150],
      runMs: options.runMs ?? [200, 600],
      imageMissing: (image) => [...this.missing].some((pattern) => pattern.test(image)),
      nodeReady: () => true,
    });
  }

  failImage(pattern: RegExp): () => void {
    this.missing.add(pattern);
    return () => {
      this.missing.delete(pattern);
      this.kubelet.reconsider();
    };
  }

  async register(): Promise<void> {
    for (const shape of this.shapes) {
      const body = nodeObject(shape, this.options.version ?? 'v1.20.2', this.clock.now());
      const { code, body: said } = await this.http.call('POST', '/api/v1/nodes', body);
      if (code !== 201 && code !== 409)
        throw new Error(`node ${shape.name} was not registered: ${code} ${messageOf(said)}`);
    }
    await this.heartbeat();
  }

  async run(): Promise<void> {
    const { signal } = this.options;
    signal.addEventListener('abort', () => this.stopWaiting(), { once: true });
    this.heartbeatLater();
    while (!signal.aborted) {
      try {
        await this.watchPods(await this.listPods());
      } catch (cause) {
        if (!signal.aborted) this.trouble(`watching pods: ${String(cause)}`);
      }
      if (!signal.aborted) await this.wait();
    }
    this.alarms.close();
    this.http.close();
  }

  private wait(): Promise<void> {
    return new Promise((resume) => {
      this.alarms.after(retryMs, resume);
      this.stopWaiting = resume;
    });
  }

  private async listPods(): Promise<string> {
    const { code, body } = await this.http.call('GET', '/api/v1/pods');
    if (code !== 200) throw new Error(`list answered ${code}: ${messageOf(body)}`);
    const list = body as { metadata: { resourceVersion: string }; items: Pod[] };
    this.kubelet.retain(new Set(list.items.map(({ metadata }) => metadata.uid)));
    for (const pod of list.items) this.follow(pod);
    return list.metadata.resourceVersion;
  }

  private async watchPods(resourceVersion: string): Promise<void> {
    const path = `/api/v1/pods?watch=true&resourceVersion=${resourceVersion}&timeoutSeconds=300`;
    const response = await this.http.open('GET', path, undefined, undefined, this.options.signal);
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      const { type, object } = JSON.parse(line) as { type: string; object: Pod };
      if (type === 'ERROR') throw new Error(`watch ended: ${messageOf(object)}`);
      if (type === 'DELETED') this.kubelet.forget(object.metadata.uid);
      else this.follow(object);
    }
  }

  private follow(pod: Pod): void {
    if (this.names.has(pod.spec.nodeName ?? '')) this.kubelet.follow(pod);
  }

  private async writeStatus(path: string, object: KubeObject, status: unknown): Promise<void> {
    // The uid guards against another object of the same name.
    const patch = { metadata: { uid: object.metadata.uid }, status };
    expectDone(`PATCH ${path}/status`, await this.http.call('PATCH', `${path}/status`, patch, mergePatch));
  }

  private async removePod(pod: Pod): Promise<void> {
    const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
    expectDone(`DELETE ${podPath(pod)}`, await this.http.call('DELETE', podPath(pod), body));
  }

  private async writeEvent(warning: Warning): Promise<void> {
    const path = `/api/v1/namespaces/${warning.about.metadata.namespace}/events`;
    const made = await this.http.call('POST', path, warningEvent(warning, this.clock.now()));
    if (made.code !== 409) return expectDone(`POST ${path}`, made);
    const known = `${path}/${eventName(warning)}`;
    const { code, body } = await this.http.call('GET', known);
    const before = code === 200 ? fieldsAt({ body }, 'body') : undefined;
    const { firstTimestamp, lastTimestamp, count, message } = warningEvent(warning, this.clock.now(), before);
    const patch = { firstTimestamp, lastTimestamp, count, message };
    expectDone(`PATCH ${known}`, await this.http.call('PATCH', known, patch, mergePatch));
  }

  private async keepTrying(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      if (this.options.signal.aborted) return;
      this.trouble(String(cause));
      this.alarms.after(retryMs, () => void this.keepTrying(write));
    }
  }

  private async heartbeat(): Promise<void> {
    for (const { name } of this.shapes) {
      const path = `/api/v1/nodes/${name}`;
      const { code, body } = await this.http.call('GET', path);
      if (code !== 200) throw new Error(`node ${name}: ${code} ${messageOf(body)}`);
      const node = body as Node;
      const conditions = nodeConditions(true, this.clock.now(), node.status?.conditions);
      await this.writeStatus(path, node, { conditions });
    }
  }

  private heartbeatLater(): void {
    this.alarms.after(heartbeatMs, () => {
      void this.keepTrying(() => this.heartbeat());
      this.heartbeatLater();
    });
  }

  private trouble(what: string): void {
    this.options.onTrouble?.(what);
  }
}

const podPath = ({ metadata }: Pod): string => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
const messageOf = (body: unknown): string => String(fieldsAt({ body }, 'body').message ?? '');

/** Gone or replaced is as good as done. */
function expectDone(what: string, { code, body }: HttpAnswer): void {
  if (code >= 300 && code !== 404 && code !== 409) throw new Error(`${what}: ${code} ${messageOf(body)}`);
}
