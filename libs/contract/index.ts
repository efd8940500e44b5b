/** The wire: generated from proto/. `wire` is the public contract, `line` the agents' line, `rpc` google.rpc. */
export * as line from './line.js';
export * as rpc from './rpc.js';
export * as wire from './wire.js';
