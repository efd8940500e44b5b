/** What a process without Nest and without servers is made of: the agent. */
export { defineConfig, setting } from './config/config.js';
export { RpcError } from './errors/rpc-error.js';
export { StartupError } from './errors/startup.js';
export { createLogger, type Logger, silentLogger } from './log/logger.js';
export { createRpcClient, openChannel, type RpcChannel } from './rpc/client.js';
export type { ClientBidi, ClientTls } from './rpc/client-types.js';
export { type Running, runMain } from './run-main.js';
export { TunnelEndpoint } from './tunnel/endpoint.js';
export { type FramePipe, frameOf, TunnelOver, tunnelPieceBytes } from './tunnel/pipe.js';
