import type { Millis } from '#domain';

/** What of a pod is to be known before one goes into it. */
export interface PodFacts {
  namespace: string;
  name: string;
  /** Of the work that its label names; empty: no work's. */
  workId: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  phase: string;
  containers: readonly string[];
  initContainers: readonly string[];
}

export interface PodRef {
  namespace: string;
  name: string;
}

export interface LogQuery {
  container: string;
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines?: bigint | undefined;
  /** At most one of the two. */
  sinceSeconds?: bigint | undefined;
  /** RFC 3339. */
  sinceTime?: string | undefined;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface CommandOrder {
  container: string;
  command: readonly string[];
  tty: boolean;
  stdin: boolean;
}

export type CommandEvent = { kind: 'stdout' | 'stderr'; bytes: Uint8Array } | { kind: 'exit'; code: number };

/** A command that runs in a container. */
export interface RunningCommand {
  /** No faster than they are taken; the exit comes last. Throws CommandNotRun, or KubeError when the connection is lost. */
  readonly events: AsyncIterable<CommandEvent>;
  write(bytes: Uint8Array): Promise<void>;
  /** False where the cluster's protocol has no word for it (before Kubernetes 1.30). */
  endInput(): Promise<boolean>;
  resize(size: TerminalSize): Promise<void>;
  close(): void;
}

/** A connection to a port of a pod. */
export interface PodConnection {
  /** Ends when the pod closes. Throws PortRefused, or KubeError when the connection is lost. */
  readonly data: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

export interface AccessBounds {
  /** Ends what was opened. */
  signal: AbortSignal;
  /** Until it is open. */
  timeoutMs?: Millis | undefined;
}

/** Into the pods of a member cluster. Refusals are KubeErrors. */
export interface PodAccess {
  pod(ref: PodRef, bounds: AccessBounds): Promise<PodFacts>;
  logs(ref: PodRef, query: LogQuery, bounds: AccessBounds): Promise<AsyncIterable<Uint8Array>>;
  exec(ref: PodRef, order: CommandOrder, bounds: AccessBounds): Promise<RunningCommand>;
  connect(ref: PodRef, port: number, bounds: AccessBounds): Promise<PodConnection>;
}

/** The container could not run the command: no such program, no such user. */
export class CommandNotRun extends Error {
  override name = 'CommandNotRun';
}

/** Nothing in the pod takes connections at that port. */
export class PortRefused extends Error {
  override name = 'PortRefused';
}
