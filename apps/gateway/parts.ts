import type { Clock, Ids } from '#domain';
import type { Logger } from '#platform';

/** What Nest hands to the gateway's classes, by token. */
export const gatewayParts = {
  store: Symbol('gateway:store'),
  ids: Symbol('gateway:ids'),
  clock: Symbol('gateway:clock'),
  log: Symbol('gateway:log'),
  enrolment: Symbol('gateway:enrolment'),
  plugins: Symbol('gateway:plugins'),
} as const;

/** Where agents enrol, and by what they know the hub again. */
export interface EnrolmentPoint {
  /** `host:port`. */
  hubAddress: string;
  /** SHA-256 of the hub authority's certificate (DER), hexadecimal; undefined while no hub has made one. */
  authorityFingerprint(): string | undefined | Promise<string | undefined>;
  /** PEM of that certificate, for tunnels; without it there are none. */
  authorityCertificate?(): string | undefined | Promise<string | undefined>;
}

export interface GatewaySeams {
  clock: Clock;
  ids: Ids;
  log: Logger;
  enrolment: EnrolmentPoint;
}
