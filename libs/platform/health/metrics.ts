import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { RpcObserver } from '../rpc/observer.js';

/** A registry of its own for each process part, with Node's own figures in it when `processFigures` is set. */
export const createMetrics = (options: { app: string; processFigures?: boolean }): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ app: options.app });
  if (options.processFigures === true) collectDefaultMetrics({ register: registry });
  return registry;
};

/** Counts calls and their duration by service, method, protocol and code. Hand the result to an RPC server. */
export const rpcMetrics = (registry: Registry): RpcObserver => {
  const labelNames = ['method', 'protocol', 'code'] as const;
  const calls = new Counter({
    name: 'berth_rpc_calls_total',
    help: 'Calls answered, by gRPC code.',
    labelNames,
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'berth_rpc_duration_seconds',
    help: 'From the arrival of a unary call to its answer.',
    labelNames: ['method'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return ({ method, protocol, code, durationMs }) => {
    const name = `${method.parent.typeName}/${method.name}`;
    calls.inc({ method: name, protocol, code });
    if (method.methodKind === 'unary') seconds.observe({ method: name }, durationMs / 1000);
  };
};
