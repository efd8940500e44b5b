export { type ConfigOf, type ConfigShape, defineConfig, setting } from './config/config.js';
export { CallAborted } from './errors/aborted.js';
export { type RpcCode, rpcCodeName, rpcCodes } from './errors/codes.js';
export { databaseFailure, queueFailure } from './errors/database-failure.js';
export { RpcError, type RpcErrorDetails } from './errors/rpc-error.js';
export { cannotListen, StartupError, StartupErrors } from './errors/startup.js';
export {
  type HealthEndpoint,
  type HealthEndpointOptions,
  type ReadinessCheck,
  startHealthEndpoint,
} from './health/http.js';
export { createMetrics, rpcMetrics } from './health/metrics.js';
export { createLogger, type Logger, type LogLevel, logLevels, silentLogger } from './log/logger.js';
export { nestLogger } from './log/nest-logger.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './postgres/embedded.js';
export { createRpcClient, openChannel, type RpcChannel } from './rpc/client.js';
export type { CallSettings, ChannelSettings, ClientBidi, ClientTls, RpcClient } from './rpc/client-types.js';
export type { ServerTls } from './rpc/credentials.js';
export { sharedAnswer } from './rpc/grpc-streams.js';
export { RpcHost, RpcModule, type RpcModuleAsyncOptions } from './rpc/module.js';
export type { RpcObserver, RpcProtocol } from './rpc/observer.js';
export type { PipelineOptions } from './rpc/pipeline.js';
export { type Endpoint, RpcServer, type RpcServerOptions } from './rpc/server.js';
export { type BoundService, bindService, RpcService } from './rpc/service.js';
export type {
  BidiStream,
  IncomingCall,
  RpcCall,
  RpcHandler,
  RpcHandlers,
  RpcMetadata,
  ServerStreamWriter,
} from './rpc/types.js';
export { type RunMainOptions, type Running, runMain } from './run-main.js';
export { startNest } from './start-nest.js';
export { TunnelEndpoint } from './tunnel/endpoint.js';
export { joinPipes } from './tunnel/joint.js';
export {
  type FramePipe,
  frameOf,
  TunnelOver,
  tunnelPieceBytes,
  tunnelWindowBytes,
  WindowExceeded,
} from './tunnel/pipe.js';
