/** What the bench asks of the process that serves, and what it answers. */
export type ServerCommands = {
  start: { ask: { databaseUrl: string }; answer: ServerAddresses };
  /** What the bare method answers from now on: an encoded application, base64. */
  hold: { ask: { application: string }; answer: null };
  /** After a full garbage collection. */
  memory: { ask: object; answer: MemoryFigures };
  /** CPU time of the process so far, microseconds. */
  cpu: { ask: object; answer: number };
};

export interface ServerAddresses {
  /** The gateway as it ships. */
  gateway: string;
  /** The same Nest application's port for the bare method, which nobody authenticates. */
  bare: string;
  ownerKey: string;
}

/** Bytes. */
export interface MemoryFigures {
  /** JavaScript's heap and everything that its objects hold outside of it. */
  heap: number;
  resident: number;
}

/** What the bench asks of the process that calls. */
export type LoadCommands = {
  rate: { ask: RateOrder; answer: RateFigures };
  /** One Get's answer, encoded, base64. */
  sample: { ask: { gateway: string; key: string; name: string }; answer: { application: string } };
  apply: { ask: ApplyOrder; answer: { milliseconds: number[] } };
  /** Opens a watch of the whole project and reads until it is in step; then reads no more. */
  stall: { ask: { gateway: string; key: string }; answer: { known: number } };
  /** Reads on until that many applications have been seen with the version, then leaves. */
  release: { ask: { version: string; applications: number }; answer: { messages: number } };
};

export interface RateOrder {
  method: 'bare' | 'answer' | 'get';
  address: string;
  key: string;
  /** Names to ask for, in turn. */
  names: readonly string[];
  concurrency: number;
  durationMs: number;
}

export interface RateFigures {
  calls: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU time of the caller's process, microseconds in all. */
  callerCpu: number;
}

export interface ApplyOrder {
  gateway: string;
  key: string;
  prefix: string;
  count: number;
}
