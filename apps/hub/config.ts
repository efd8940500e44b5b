import type { Millis } from '#domain';
import { defineConfig, setting } from '#platform';

/** What a hub needs to know. */
export interface HubConfig {
  databaseUrl: string;
  /** Where it listens. Port 0 lets the system choose. */
  listen: { host: string; port: number };
  /** host or host:port as agents call it; empty: the host that it listens on. */
  publicAddresses: readonly string[];
  /** host:port at which gateways reach this very hub; undefined: the first public address, or where it listens. */
  internalAddress: string | undefined;
  /** Where the authority's key is kept. */
  directory: string;
  leaseTtlMs: Millis;
  heartbeatIntervalMs: Millis;
  certificateLifetimeMs: Millis;
  /** How late a lost wake-up is made good. */
  scanIntervalMs: Millis;
  /** An agent that has not come to a tunnel by then does not know tunnels. */
  attachWithinMs: Millis;
}

export const hubDefaults = {
  listen: { host: '0.0.0.0', port: 7443 },
  publicAddresses: [],
  internalAddress: undefined,
  leaseTtlMs: 10_000,
  heartbeatIntervalMs: 3_000,
  certificateLifetimeMs: 24 * 3_600_000,
  scanIntervalMs: 2_000,
  attachWithinMs: 10_000,
} as const satisfies Omit<HubConfig, 'databaseUrl' | 'directory'>;

const addressForm = /^\[?([^\]]*?)\]?:(\d+)$/;

/** `host:port`, IPv6 in brackets. */
export function splitAddress(address: string): { host: string; port: number } | undefined {
  const match = addressForm.exec(address);
  return match?.[1] === undefined ? undefined : { host: match[1], port: Number(match[2]) };
}

const addressError = 'host:port, like 0.0.0.0:7443';
const parse = defineConfig({
  BERTH_DATABASE_URL: setting.url(['postgres', 'postgresql']),
  BERTH_HUB_ADDRESS: setting
    .text('0.0.0.0:7443')
    .refine((text) => splitAddress(text) !== undefined, { error: addressError }),
  BERTH_HUB_PUBLIC_ADDRESS: setting.optionalText(),
  BERTH_HUB_INTERNAL_ADDRESS: setting.optionalText(),
  BERTH_HUB_DIRECTORY: setting.text(),
  BERTH_HUB_AUTHORITY_FILE: setting.optionalText(),
  BERTH_LEASE_TTL_MS: setting.integer(1_000, 600_000, hubDefaults.leaseTtlMs),
  BERTH_HEARTBEAT_INTERVAL_MS: setting.integer(100, 300_000, hubDefaults.heartbeatIntervalMs),
  BERTH_LOG_LEVEL: setting.oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
});

export function hubConfigFrom(env: Readonly<Record<string, string | undefined>>) {
  const read = parse(env);
  const config: HubConfig = {
    ...hubDefaults,
    databaseUrl: read.BERTH_DATABASE_URL,
    listen: splitAddress(read.BERTH_HUB_ADDRESS) ?? hubDefaults.listen,
    publicAddresses: (read.BERTH_HUB_PUBLIC_ADDRESS ?? '').split(',').filter((address) => address !== ''),
    internalAddress: read.BERTH_HUB_INTERNAL_ADDRESS,
    directory: read.BERTH_HUB_DIRECTORY,
    leaseTtlMs: read.BERTH_LEASE_TTL_MS,
    heartbeatIntervalMs: read.BERTH_HEARTBEAT_INTERVAL_MS,
  };
  return { config, authorityFile: read.BERTH_HUB_AUTHORITY_FILE, logLevel: read.BERTH_LOG_LEVEL };
}

/** Names and addresses for the server's certificate. Who listens everywhere is also called by its loopback names. */
export function certificateHosts({
  listen,
  publicAddresses,
  internalAddress,
}: Pick<HubConfig, 'listen' | 'publicAddresses' | 'internalAddress'>): string[] {
  const everywhere = ['0.0.0.0', '::', ''].includes(listen.host);
  const own = everywhere || listen.host === '127.0.0.1' ? ['localhost', '127.0.0.1', '::1'] : [listen.host];
  const called = internalAddress === undefined ? publicAddresses : [...publicAddresses, internalAddress];
  return [...new Set([...called.map((each) => splitAddress(each)?.host ?? each), ...own])];
}
