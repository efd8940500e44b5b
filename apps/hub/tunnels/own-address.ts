import { Inject, Injectable } from '@nestjs/common';
import { RpcHost } from '#platform';
import { type HubConfig, splitAddress } from '../config.js';
import { hubParts } from '../parts.js';

const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/**
 * Where gateways reach this hub and no other: as configured; else the first public address; else where it listens.
 * Hubs behind one public address have to be told apart by configuration.
 */
export function addressOf(
  { internalAddress, publicAddresses }: Pick<HubConfig, 'internalAddress' | 'publicAddresses'>,
  bound: string,
): string {
  const { host, port } = splitAddress(bound) ?? { host: bound, port: 0 };
  const [first] = publicAddresses;
  const chosen = internalAddress ?? first;
  if (chosen !== undefined) return splitAddress(chosen) === undefined ? `${chosen}:${port}` : chosen;
  return everywhere.has(host) ? `127.0.0.1:${port}` : bound;
}

/** This hub's address for gateways, known once it listens. */
@Injectable()
export class OwnAddress {
  constructor(
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(RpcHost) private readonly host: RpcHost,
  ) {}

  get value(): string {
    return addressOf(this.config, this.host.server.grpcAddress);
  }
}
