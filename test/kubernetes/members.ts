import { describe, it } from 'vitest';
import { startHollowCluster, startPretendKubelet } from '#hollow';
import type { ClusterAccess } from '#kube';
import { kubebuilderAssets } from './assets.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';

/** What a cluster knows that another does not; each difference is in docs/kubernetes-differences.md with its reason. */
export interface Traits {
  grpcProbes: boolean;
  /** Its schema gives `protocol` of a Service port a default, which keyed lists need. */
  defaultsPortProtocol: boolean;
}

/** A member cluster to test on: nodes that pretend, everything else as it is. */
export interface TestMember {
  name: string;
  access: ClusterAccess & { kind: 'token' };
  kubeconfig: string;
  /** From now on pods with such an image stay in ImagePullBackOff, until the returned function is called. */
  failImage(pattern: RegExp): () => void;
  /** What came before is gone from watches afterwards; the real server ends as a crash would and starts again. */
  loseHistory(): Promise<void>;
  /** Ends the API server by SIGKILL; what it gives starts it again. A hollow one only forgets: cut its line meanwhile. */
  crash(): Promise<() => Promise<void>>;
  /** The real server's audit log, as JSON lines; undefined on hollow clusters. */
  auditLog: string | undefined;
}

export interface TestMembers {
  /** In the order of the names asked for. */
  members: readonly TestMember[];
  close(): Promise<void>;
}

export interface NodesOfEach {
  count: number;
  cpu: string;
  memory: string;
}

/** A sort of cluster that suites run on. */
export interface Flavour {
  name: string;
  traits: Traits;
  start(names: readonly string[], nodes: NodesOfEach): Promise<TestMembers>;
}

const hollow: Flavour = {
  name: 'hollow',
  traits: { grpcProbes: true, defaultsPortProtocol: true },
  async start(names, nodes) {
    const clusters = await Promise.all(
      names.map((name) => startHollowCluster({ name, nodes, readyDelayMs: [50, 200] })),
    );
    const members = clusters.map(
      (cluster): TestMember => ({
        name: cluster.name,
        access: { kind: 'token', url: cluster.url, token: cluster.token },
        kubeconfig: cluster.kubeconfig,
        failImage: (pattern) => cluster.failImage(pattern),
        loseHistory: async () => cluster.expireWatches(),
        crash: async () => async () => cluster.expireWatches(),
        auditLog: undefined,
      }),
    );
    return { members, close: async () => void (await Promise.all(clusters.map((cluster) => cluster.close()))) };
  },
};

const realMember = async (plane: ControlPlane, nodes: NodesOfEach, signal: AbortSignal) => {
  const { url, token, ca } = plane;
  const kubelet = await startPretendKubelet({ server: url, token, ca, nodes, readyDelayMs: [50, 200], signal });
  const member: TestMember = {
    name: plane.name,
    access: { kind: 'token', url, token, ca },
    kubeconfig: plane.kubeconfig,
    failImage: (pattern) => kubelet.failImage(pattern),
    loseHistory: () => plane.restart(),
    crash: () => plane.crash(),
    auditLog: plane.auditLog,
  };
  return { member, done: kubelet.done };
};

const real = (assets: string): Flavour => ({
  name: 'kube-apiserver',
  traits: { grpcProbes: false, defaultsPortProtocol: false },
  async start(names, nodes) {
    const life = new AbortController();
    const control = await startControlPlane({ assets, names, controllers: true });
    try {
      const started = await Promise.all(control.planes.map((plane) => realMember(plane, nodes, life.signal)));
      return {
        members: started.map(({ member }) => member),
        close: async () => {
          life.abort(new Error('the tests are over'));
          await Promise.all(started.map(({ done }) => done));
          await control.close();
        },
      };
    } catch (error) {
      life.abort(error);
      await control.close();
      throw error;
    }
  },
});

/** Runs a suite on hollow clusters, and on real API servers when KUBEBUILDER_ASSETS names a folder of them. */
export function describeMembers(title: string, suite: (flavour: Flavour) => void): void {
  describe(`${title} [hollow]`, () => suite(hollow));
  const assets = kubebuilderAssets();
  if (assets !== undefined) describe(`${title} [kube-apiserver]`, () => suite(real(assets)));
  else {
    it.skip(`${title} [kube-apiserver]`);
    console.info(`left out: ${title} on real API servers, since KUBEBUILDER_ASSETS is not set`);
  }
}
