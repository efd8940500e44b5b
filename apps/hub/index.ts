import { randomBytes, randomUUID } from 'node:crypto';
import { systemClock } from '#domain';
import { RpcHost, startNest } from '#platform';
import type { Authority } from './authority/authority.js';
import type { HubConfig } from './config.js';
import { HubModule } from './hub.module.js';
import { pause } from './line/periodic.js';
import { type HubLog, type HubSeams, hubParts } from './parts.js';

export { type HubConfig, hubDefaults } from './config.js';

/** A hub that serves. */
export interface RunningHub {
  /** host:port as bound. */
  address: string;
  /** SHA-256 of the authority's certificate, hex: the last part of every enrolment token. */
  authorityFingerprint: string;
  /** PEM of the authority's certificate. */
  authorityCertificate: string;
  /** Says goodbye to every agent, then ends. */
  close(): Promise<void>;
}

/** Starts a hub; throws StartupError when its port is in use, Unavailable when the database does not answer. */
export async function startHub(
  config: HubConfig,
  seams: { log: HubLog } & Partial<Omit<HubSeams, 'log'>>,
): Promise<RunningHub> {
  const complete: HubSeams = {
    clock: systemClock,
    sleep: pause,
    ids: { secret: (bytes) => randomBytes(bytes) },
    hubId: randomUUID(),
    ...seams,
  };
  const app = await startNest(HubModule.forRoot(config, complete), seams.log);
  const authority = app.get<Authority>(hubParts.authority, { strict: false });
  return {
    address: app.get(RpcHost, { strict: false }).server.grpcAddress,
    authorityFingerprint: authority.fingerprint,
    authorityCertificate: authority.certificate,
    close: () => app.close(),
  };
}
