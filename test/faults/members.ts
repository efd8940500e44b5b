import { readFile } from 'node:fs/promises';
import { type HollowCluster, startHollowCluster, startPretendKubelet } from '#hollow';
import type { ClusterAccess } from '#kube';
import { type ControlPlane, startControlPlane } from '../kubernetes/control-plane.js';
import { type CutLine, cutLineTo } from '../kubernetes/cut-line.js';

/** A delete that the member's API server was asked for and granted, by its own record. */
export interface GrantedDelete {
  userAgent: string;
  path: string;
  /** What it insisted on; undefined: nothing. */
  uid: string | undefined;
}

/** A part that can be ended as by a crash, or stopped where it stands; what each gives undoes it. */
export interface Breakable {
  crash(): Promise<() => Promise<void>>;
  freeze(): () => void;
}

/** A member cluster that the agent reaches through a line that can be cut. */
export interface FaultyMember extends Breakable {
  name: string;
  /** Past the line. */
  access: ClusterAccess;
  /** Through the line. */
  kubeconfig: string;
  line: CutLine;
  grantedDeletes(): Promise<GrantedDelete[]>;
}

export interface FaultyMembers {
  members: readonly FaultyMember[];
  /** Undefined where each member keeps its objects itself. */
  etcd: Breakable | undefined;
  close(): Promise<void>;
}

const nodes = { count: 3, cpu: '16', memory: '64Gi' };
const readyDelayMs = [20, 100] as const;

async function hollowMember(cluster: HollowCluster): Promise<FaultyMember> {
  const line = await cutLineTo(cluster.url);
  return {
    name: cluster.name,
    access: { kind: 'token', url: cluster.url, token: cluster.token },
    kubeconfig: cluster.kubeconfig.replace(cluster.url, line.url),
    line,
    // its process is the tests' own: it forgets its history and is not to be reached
    crash: async () => {
      line.cut();
      return async () => {
        cluster.expireWatches();
        line.mend();
      };
    },
    freeze: () => {
      cluster.pause();
      return () => cluster.resume();
    },
    grantedDeletes: async () =>
      cluster.audit
        .filter(({ verb, code }) => (verb === 'delete' || verb === 'deletecollection') && code < 300)
        .map(({ userAgent, path, preconditions }) => ({ userAgent, path, uid: preconditions.uid })),
  };
}

export async function startHollowMembers(names: readonly string[]): Promise<FaultyMembers> {
  const clusters = await Promise.all(
    names.map((name) => startHollowCluster({ name, nodes, readyDelayMs, terminateDelayMs: [10, 50] })),
  );
  const members = await Promise.all(clusters.map(hollowMember));
  return {
    members,
    etcd: undefined,
    close: async () => {
      await Promise.all(members.map(({ line }) => line.close()));
      await Promise.all(clusters.map((cluster) => cluster.close()));
    },
  };
}

interface AuditLine {
  verb: string;
  requestURI: string;
  userAgent?: string;
  responseStatus?: { code?: number };
  requestObject?: { preconditions?: { uid?: string } };
}

async function deletesIn(auditLog: string): Promise<GrantedDelete[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line.includes('"delete'));
  const entries = lines.map((line): AuditLine => JSON.parse(line));
  return entries
    .filter(({ verb, responseStatus }) => verb.startsWith('delete') && (responseStatus?.code ?? 500) < 300)
    .map(({ userAgent = '', requestURI, requestObject }) => ({
      ...{ userAgent, path: requestURI },
      uid: requestObject?.preconditions?.uid,
    }));
}

async function realMember(plane: ControlPlane): Promise<FaultyMember> {
  const line = await cutLineTo(plane.url);
  return {
    name: plane.name,
    access: { kind: 'token', url: plane.url, token: plane.token, ca: plane.ca },
    kubeconfig: plane.kubeconfig.replace(plane.url, line.url),
    line,
    crash: () => plane.crash(),
    freeze: () => plane.freeze(),
    grantedDeletes: () => deletesIn(plane.auditLog),
  };
}

export async function startRealMembers(assets: string, names: readonly string[]): Promise<FaultyMembers> {
  const life = new AbortController();
  const control = await startControlPlane({ assets, names, controllers: true });
  const { signal } = life;
  const kubelets = await Promise.all(
    control.planes.map(({ url, token, ca }) =>
      startPretendKubelet({ server: url, token, ca, nodes, readyDelayMs, signal }),
    ),
  );
  const members = await Promise.all(control.planes.map(realMember));
  return {
    members,
    etcd: control.etcd,
    close: async () => {
      life.abort(new Error('the tests are over'));
      await Promise.all(members.map(({ line }) => line.close()));
      await Promise.all(kubelets.map(({ done }) => done));
      await control.close();
    },
  };
}
