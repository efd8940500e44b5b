import type { DescMethod } from '@bufbuild/protobuf';
import type { CallAborted } from '../errors/aborted.js';
import type { RpcProtocol } from './observer.js';
import type { RpcCall, RpcMetadata } from './types.js';

/** What a protocol knows of a call when it arrives. */
export interface CallOrigin {
  readonly method: DescMethod;
  readonly protocol: RpcProtocol;
  readonly metadata: RpcMetadata;
  readonly peer: string;
  readonly deadline: number | undefined;
  peerCertificate(): Uint8Array | undefined;
}

/** One call on its way through the pipeline. The signal is made only if someone asks for it: most calls never do. */
export class CallContext<P> implements RpcCall<P> {
  readonly method: DescMethod;
  readonly protocol: RpcProtocol;
  readonly metadata: RpcMetadata;
  readonly peer: string;
  readonly deadline: number | undefined;
  readonly #origin: CallOrigin;
  readonly #listeners = new Set<(reason: CallAborted) => void>();
  #controller: AbortController | undefined;
  #reason: CallAborted | undefined;
  #finished = false;
  #admitted: { principal: P } | undefined;

  constructor(origin: CallOrigin, deadline: number | undefined) {
    this.#origin = origin;
    this.method = origin.method;
    this.protocol = origin.protocol;
    this.metadata = origin.metadata;
    this.peer = origin.peer;
    this.deadline = deadline;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#origin.peerCertificate();
  }

  get principal(): P {
    if (this.#admitted === undefined) throw new Error(`${this.method.toString()}: the caller is not authenticated yet`);
    return this.#admitted.principal;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the call is over before its handler was done; undefined while it runs. */
  get aborted(): CallAborted | undefined {
    return this.#reason;
  }

  /** Its handler has answered or failed: the status is on its way, and nothing may follow it. */
  get finished(): boolean {
    return this.#finished;
  }

  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  admit(principal: P): void {
    this.#admitted = { principal };
  }

  /** Calls back once when the call is aborted, at once if it already is. Answers how to stop listening. */
  onAbort(listener: (reason: CallAborted) => void): () => void {
    if (this.#reason !== undefined) listener(this.#reason);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the call from outside its handler. The first reason counts; after `finish` none does. */
  abort(reason: CallAborted): void {
    if (this.#finished || this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const listener of this.#listeners) listener(reason);
    this.#listeners.clear();
  }

  finish(): void {
    this.#finished = true;
    this.#listeners.clear();
  }
}
