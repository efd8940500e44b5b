/** What one speaker process is told and asked. Everything is plain data: it crosses processes. */

/** An agent's identity. PEM. */
export interface AgentSpec {
  cluster: string;
  certificate: string;
  privateKey: string;
}

export interface SpeakerStart {
  /** host:port of the hub. */
  hub: string;
  authority: string;
  seed: number;
}

/** Sums over the agents of a process since it was started. */
export interface SpeakerCounts {
  agents: number;
  /** Works that the hub has sent and the agents hold. */
  worksHeld: number;
  /** Agents whose full report of the present stream is stored. */
  inStep: number;
  /** When the last of them came in step; epoch ms. */
  lastInStepAt: number;
  /** Streams that ended or failed. */
  lost: number;
  /** Of those the ones that failed, by the hub's reason, or gRPC's code. */
  failed: Record<string, number>;
  reportsStored: number;
  rowsStored: number;
  heartbeats: number;
  /** Of the connections to the hub, with TLS and HTTP/2, both ways. */
  wireBytes: number;
  cpuMicros: number;
}

export interface SteadyOrder {
  seconds: number;
  /** Works of each agent that change their status each second. */
  changesPerAgent: number;
}

export interface SaturatedOrder {
  seconds: number;
  worksPerReport: number;
  /** Reports of one agent that wait for their acknowledgement at a time. */
  window: number;
}

export type SpeakerCommands = {
  start: { ask: SpeakerStart; answer: null };
  /** Lets more agents connect. */
  add: { ask: { agents: readonly AgentSpec[] }; answer: null };
  counts: { ask: object; answer: SpeakerCounts };
  /** Heartbeats with a changed inventory from now on, or without. */
  inventory: { ask: { changes: boolean }; answer: null };
  /** Answers each report's milliseconds from its writing until the acknowledgement of its commit. */
  steady: { ask: SteadyOrder; answer: { lagsMs: number[] } };
  saturate: { ask: SaturatedOrder; answer: null };
};

/** Asked of the hub's process, through what is loaded before its own program. */
export type ProbeCommands = {
  /** After full collections. */
  memory: { ask: object; answer: { heapBytes: number; outsideHeapBytes: number } };
  /** Connections accepted in each second since the process was started, by its Unix time. */
  accepted: { ask: object; answer: { perSecond: Record<string, number> } };
  /** Own time in microseconds by where the code comes from. */
  profile: { ask: { seconds: number }; answer: { selfMicros: Record<string, number> } };
};
