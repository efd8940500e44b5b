import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { defineConfig, logLevels, setting } from '#platform';
import type { PluginSettings } from '#plugins';
import { parseApiKey } from './auth/api-key.js';
import type { GivenKeys } from './bootstrap.js';

/** An address to listen on. */
export interface ListenAddress {
  host: string;
  port: number;
}

export interface GatewayConfig {
  /** `postgres://berth_gateway:…`. */
  databaseUrl: string;
  /** gRPC. */
  grpc: ListenAddress;
  /** JSON, Connect and gRPC-Web; undefined: not served. */
  http: ListenAddress | undefined;
  bootstrap: GivenKeys;
  /** Connections to Postgres. */
  poolSize: number;
  /** Asked before a plan is made or taken; schedulers are given the same. */
  plugins: readonly PluginSettings[];
}

/** What of a configuration has a usual value. */
export const gatewayDefaults = {
  poolSize: 10,
  bootstrap: { operatorKey: undefined, ownerKey: undefined },
  plugins: [],
} as const;

const addressForm = /^(.+):([0-9]{1,5})$/;

const address = (fallback: string) => {
  const error = 'host:port';
  return z
    .string()
    .default(fallback)
    .refine((text) => addressForm.test(text) && Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, { error })
    .transform((text): ListenAddress => {
      const colon = text.lastIndexOf(':');
      return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
    });
};

const apiKey = () => {
  const error =
    'an API key, berth_<id>_<secret>: up to 32 of a-z and 0-9, then 16 or more of A-Z, a-z, 0-9, "-" and "_"';
  return z
    .string()
    .refine((text) => parseApiKey(text) !== undefined, { error })
    .transform(parseApiKey)
    .optional();
};

const read = defineConfig({
  BERTH_DATABASE_URL: setting.url(['postgres', 'postgresql']),
  BERTH_GATEWAY_ADDRESS: address('127.0.0.1:7070'),
  BERTH_GATEWAY_HTTP_ADDRESS: address('127.0.0.1:7071'),
  BERTH_BOOTSTRAP_OPERATOR_KEY: apiKey(),
  BERTH_BOOTSTRAP_OWNER_KEY: apiKey(),
  BERTH_GATEWAY_POOL_SIZE: setting.integer(2, 200, gatewayDefaults.poolSize),
  BERTH_HUB_PUBLIC_ADDRESS: setting.text('127.0.0.1:7443'),
  BERTH_HUB_AUTHORITY_FILE: setting.text('hub/authority.crt'),
  BERTH_PLUGINS: setting.optionalText(),
  BERTH_LOG_LEVEL: setting.oneOf(logLevels, 'info'),
});

/** @throws StartupErrors with a line for each wrong value. */
export function gatewayConfig(env: Readonly<Record<string, string | undefined>>) {
  const values = read(env);
  const config: GatewayConfig = {
    databaseUrl: values.BERTH_DATABASE_URL,
    grpc: values.BERTH_GATEWAY_ADDRESS,
    http: values.BERTH_GATEWAY_HTTP_ADDRESS,
    bootstrap: {
      operatorKey: values.BERTH_BOOTSTRAP_OPERATOR_KEY,
      ownerKey: values.BERTH_BOOTSTRAP_OWNER_KEY,
    },
    poolSize: values.BERTH_GATEWAY_POOL_SIZE,
    plugins: [],
  };
  const {
    BERTH_HUB_PUBLIC_ADDRESS: hubAddress,
    BERTH_HUB_AUTHORITY_FILE: authorityFile,
    BERTH_PLUGINS: pluginsFile,
    BERTH_LOG_LEVEL: logLevel,
  } = values;
  return { config, hubAddress, authorityFile, pluginsFile, logLevel };
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

/** SHA-256 of the certificate that `certificateIn` finds, hexadecimal. */
export async function fingerprintIn(authorityFile: string): Promise<string | undefined> {
  const certificate = await certificateIn(authorityFile);
  if (certificate === undefined) return undefined;
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
}

/** The certificate (PEM) that a hub has written to this file; undefined while there is none. */
export async function certificateIn(authorityFile: string): Promise<string | undefined> {
  try {
    return certificateBlock.exec(await readFile(authorityFile, 'utf8'))?.[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
