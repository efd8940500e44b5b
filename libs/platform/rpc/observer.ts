import type { DescMethod } from '@bufbuild/protobuf';
import type { RpcCode } from '../errors/codes.js';

export type RpcProtocol = 'grpc' | 'connect' | 'grpc-web';

/** Hears about every call when it has ended. It must not throw. */
export type RpcObserver = (call: {
  method: DescMethod;
  protocol: RpcProtocol;
  code: RpcCode;
  durationMs: number;
}) => void;
