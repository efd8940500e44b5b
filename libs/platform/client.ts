/** What a caller needs and no more: without Nest and the servers' libraries, a command starts in a third of the time. */
export { type RpcCode, rpcCodes } from './errors/codes.js';
export { RpcError, type RpcErrorDetails } from './errors/rpc-error.js';
export { openChannel, type RpcChannel } from './rpc/client.js';
export type { CallSettings, ChannelSettings, ClientBidi, RpcClient } from './rpc/client-types.js';
