import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type SecureContext } from 'node:tls';
import type { DescService } from '@bufbuild/protobuf';
import { ChannelCredentials, type ChannelOptions, Client, credentials, type VerifyOptions } from '@grpc/grpc-js';
import { RpcError } from '../errors/rpc-error.js';
import { bidiCall, serverStreamCall, unaryCall } from './client-calls.js';
import type { ChannelSettings, ClientTls, RpcClient } from './client-types.js';
import { serviceConfig } from './retry.js';

/** One connection to a server (made when first needed, re-made when lost) for any number of services. */
export interface RpcChannel {
  client<S extends DescService>(service: S): RpcClient<S>;
  /** Resolves once connected; rejects with RpcError UNAVAILABLE after `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  close(): void;
}

/** The address' host when it is an IP address: TLS must not send one as server name (RFC 6066). */
const ipOf = (address: string): string | undefined => {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? undefined : host;
};

/** grpc-js would send the IP address as server name; it gets a name that nobody has, and the address is checked. */
const namelessServer = 'ip-address.invalid';

/** Reading keys and certificates takes as long as half a handshake: who comes back with the same ones has them read once. */
const contexts = new WeakMap<ClientTls, SecureContext>();

const contextOf = (tls: ClientTls): SecureContext => {
  const { authority, certificate, privateKey } = tls;
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  const context = createSecureContext({
    ...(authority === undefined ? {} : { ca: authority }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
    minVersion: 'TLSv1.3',
  });
  contexts.set(tls, context);
  return context;
};

const credentialsOf = ({ address, tls }: ChannelSettings): ChannelCredentials => {
  if (tls === undefined) return credentials.createInsecure();
  const { authority, certificate, serverName } = tls;
  const ip = serverName === undefined ? ipOf(address) : undefined;
  const verify: VerifyOptions =
    ip === undefined ? {} : { checkServerIdentity: (_name, certificate) => checkServerIdentity(ip, certificate) };
  // a server of the public authorities may stand behind something older; ours speak TLS 1.3
  if (authority === undefined && certificate === undefined)
    return ChannelCredentials.createSsl(null, null, null, verify);
  return ChannelCredentials.createFromSecureContext(contextOf(tls), verify);
};

const serverNameOf = ({ address, tls }: ChannelSettings): string | undefined =>
  tls === undefined ? undefined : (tls.serverName ?? (ipOf(address) === undefined ? undefined : namelessServer));

const nameOverride = (name: string | undefined): ChannelOptions =>
  name === undefined ? {} : { 'grpc.ssl_target_name_override': name };

const optionsOf = (settings: ChannelSettings, service: DescService | undefined): ChannelOptions => ({
  'grpc.max_receive_message_length': settings.maxResponseBytes ?? 16 * 1024 * 1024,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_reconnect_backoff_ms': 5000,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  ...(settings.ownConnection === true ? { 'grpc.use_local_subchannel_pool': 1 } : {}),
  ...nameOverride(serverNameOf(settings)),
  ...(service === undefined ? {} : { 'grpc.service_config': serviceConfig(service, settings.attempts ?? 4) }),
});

const methodsOf = (service: DescService, client: Client, settings: ChannelSettings): Record<string, unknown> => {
  const methods: Record<string, unknown> = {};
  for (const method of service.methods) {
    if (method.methodKind === 'unary') methods[method.localName] = unaryCall(client, method, settings);
    if (method.methodKind === 'server_streaming')
      methods[method.localName] = serverStreamCall(client, method, settings);
    if (method.methodKind === 'bidi_streaming') methods[method.localName] = bidiCall(client, method, settings);
  }
  return methods;
};

/**
 * After a refused connection grpc-js tries again a second later, though its channel was closed meanwhile, and keeps what it
 * gets for seconds: a fleet that waits for its server would make most of its handshakes for nobody.
 */
const connectOnlyWhile = (isOpen: () => boolean, given: ChannelCredentials): ChannelCredentials => {
  const connectorOf = given._createSecureConnector.bind(given);
  given._createSecureConnector = (...of) => {
    const connector = connectorOf(...of);
    const waitForReady = connector.waitForReady.bind(connector);
    connector.waitForReady = async () => {
      if (!isOpen()) throw new Error('the channel was closed');
      await waitForReady();
    };
    return connector;
  };
  return given;
};

/** Opens a channel; nothing is sent until the first call. */
export const openChannel = (settings: ChannelSettings): RpcChannel => {
  let isOpen = true;
  const given = credentialsOf(settings);
  // a shared connection may be another channel's by then
  const channelCredentials = settings.ownConnection === true ? connectOnlyWhile(() => isOpen, given) : given;
  const clients: Client[] = [];
  const open = (service: DescService | undefined): Client => {
    const client = new Client(settings.address, channelCredentials, optionsOf(settings, service));
    clients.push(client);
    return client;
  };
  return {
    client: <S extends DescService>(service: S) => methodsOf(service, open(service), settings) as RpcClient<S>,
    ready: (timeoutMs) => waitUntilReady(clients[0] ?? open(undefined), settings.address, timeoutMs),
    close: () => {
      isOpen = false;
      for (const client of clients) client.close();
    },
  };
};

const waitUntilReady = (client: Client, address: string, timeoutMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, (cause) => {
      if (cause === undefined || cause === null) resolve();
      else reject(new RpcError('UNAVAILABLE', `${address} did not answer within ${timeoutMs} ms`, {}, { cause }));
    });
  });

/** A client for a single service with a channel of its own. */
export const createRpcClient = <S extends DescService>(
  service: S,
  settings: ChannelSettings,
): { readonly rpc: RpcClient<S>; close(): void } => {
  const channel = openChannel(settings);
  return { rpc: channel.client(service), close: () => channel.close() };
};
