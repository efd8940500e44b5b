import 'reflect-metadata';
import type { DescMessage, DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { Injectable } from '@nestjs/common';
import type { BidiStream, RpcCall, RpcHandlers, ServerStreamWriter } from './types.js';

const serviceKey = Symbol('berth:rpc-service');

type Controller<S extends DescService> = abstract new (...args: never[]) => Partial<RpcHandlers<S, never>>;

/**
 * Marks a class as the implementation of a service; Nest builds it, RpcModule finds and serves it. A method of the
 * service that the class leaves out answers UNIMPLEMENTED.
 */
export const RpcService =
  <S extends DescService>(service: S) =>
  (target: Controller<S>): void => {
    Injectable()(target);
    Reflect.defineMetadata(serviceKey, service, target);
  };

/** The service that a class was marked with. */
export const rpcServiceOf = (target: object): DescService | undefined => Reflect.getMetadata(serviceKey, target);

// From here on the types of single messages are erased: a server handles every service alike.
type Init = Record<string, unknown>;
type Unary = (request: Message, call: RpcCall) => Promise<Init>;
type ServerStreaming = (request: Message, call: RpcCall, out: ServerStreamWriter<DescMessage>) => Promise<void>;
type Bidi = (stream: BidiStream<DescMessage, DescMessage>, call: RpcCall) => Promise<void>;

export type BoundMethod =
  | { readonly kind: 'unary'; readonly method: DescMethod; readonly handle: Unary }
  | { readonly kind: 'server_streaming'; readonly method: DescMethod; readonly handle: ServerStreaming }
  | { readonly kind: 'bidi_streaming'; readonly method: DescMethod; readonly handle: Bidi };

export interface BoundService {
  readonly service: DescService;
  readonly methods: readonly BoundMethod[];
}

const bindMethod = (method: DescMethod, controller: object): BoundMethod | undefined => {
  const found: unknown = Reflect.get(controller, method.localName);
  if (typeof found !== 'function') return undefined;
  const handle: unknown = found.bind(controller);
  switch (method.methodKind) {
    case 'unary':
      return { kind: 'unary', method, handle: handle as Unary };
    case 'server_streaming':
      return { kind: 'server_streaming', method, handle: handle as ServerStreaming };
    case 'bidi_streaming':
      return { kind: 'bidi_streaming', method, handle: handle as Bidi };
    case 'client_streaming':
      throw new Error(`${method.toString()}: client streaming is not served`);
  }
};

/** Ties a service to the object that implements it, for servers that are built without Nest. */
export const bindService = <S extends DescService>(
  service: S,
  controller: Partial<RpcHandlers<S, never>>,
): BoundService => bindDiscovered(service, controller);

/** As bindService, for an instance whose class RpcService has already checked. */
export const bindDiscovered = (service: DescService, controller: object): BoundService => ({
  service,
  methods: service.methods.flatMap((method) => bindMethod(method, controller) ?? []),
});
