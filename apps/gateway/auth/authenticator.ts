import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Clock, type Instant, type Principal, Unauthenticated, Unavailable } from '#domain';
import type { IncomingCall, Logger } from '#platform';
import { type Credential, readCredential, type Store } from '#store';
import { gatewayParts } from '../parts.js';
import { matches, parseApiKey } from './api-key.js';

/** How long a credential is believed without asking again: the bound should the feed's word be lost. */
const believedForMs = 5_000;
const cachedKeys = 10_000;
/** After the feed could not be followed. */
const listenAgainMs = 500;

interface Cached {
  credential: Credential;
  principal: Principal;
  until: Instant;
}

const revoked = () => new Unauthenticated('KEY_REVOKED', 'the API key was revoked; ask for a new one');

/** Says who calls, by API key. Revocations reach it through the change feed. */
@Injectable()
export class Authenticator implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #cache = new Map<string, Cached>();
  readonly #open = new Map<string, Set<AbortController>>();
  readonly #closing = new AbortController();
  /** Grows with every key that is dropped: what was read before then is not kept. */
  #drops = 0;
  #listening: Promise<void> | undefined;

  constructor(
    @Inject(gatewayParts.store) private readonly store: Store,
    @Inject(gatewayParts.clock) private readonly clock: Clock,
    @Inject(gatewayParts.log) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#listening = this.#listen();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closing.abort();
    await this.#listening;
  }

  /** @throws Unauthenticated saying whether the key is missing, malformed, unknown, expired or revoked. */
  authenticate(call: Pick<IncomingCall, 'metadata'>): Principal | Promise<Principal> {
    const header = call.metadata.get('authorization');
    if (header === undefined)
      throw new Unauthenticated('KEY_MISSING', 'no API key; send it as `authorization: Bearer berth_…`');
    const key = parseApiKey(header.replace(/^Bearer +/i, ''));
    if (key === undefined)
      throw new Unauthenticated(
        'KEY_MALFORMED',
        'not an API key; allowed is `authorization: Bearer berth_<id>_<secret>`',
      );
    const cached = this.#cache.get(key.keyId);
    if (cached !== undefined && cached.until > this.clock.now() && matches(key.secret, cached.credential.secretHash))
      return cached.principal;
    return this.#lookUp(key.keyId, key.secret);
  }

  /** Aborted once the key is revoked: for calls that outlive their admission. Call `end` when the call is over. */
  follow(principal: Principal): { signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const followers = this.#open.get(principal.keyId) ?? new Set();
    this.#open.set(principal.keyId, followers.add(controller));
    return {
      signal: controller.signal,
      end: () => {
        followers.delete(controller);
        if (followers.size === 0) this.#open.delete(principal.keyId);
      },
    };
  }

  /** Forgets a key at once, and ends the calls that it carries. */
  drop(keyId: string): void {
    this.#drops += 1;
    this.#cache.delete(keyId);
    for (const controller of this.#open.get(keyId) ?? []) controller.abort(revoked());
  }

  /** What was revoked meanwhile is not known: nobody is believed without asking, and open calls have to begin anew. */
  #doubtAll(): void {
    this.#drops += 1;
    this.#cache.clear();
    const unheard = new Unavailable({ dependency: 'the change feed' });
    for (const followers of this.#open.values()) for (const controller of followers) controller.abort(unheard);
  }

  async #lookUp(keyId: string, secret: string): Promise<Principal> {
    const drops = this.#drops;
    const system = { kind: 'system', actor: 'gateway' } as const;
    const credential = await readCredential(
      (sql, parameters) => this.store.unitOfWork.read(system, sql, parameters),
      keyId,
    );
    if (credential === undefined || !matches(secret, credential.secretHash))
      throw new Unauthenticated('KEY_UNKNOWN', 'the API key is not known here');
    if (credential.revoked) throw revoked();
    if (credential.expired) throw new Unauthenticated('KEY_EXPIRED', 'the API key has expired; ask for a new one');
    const { role, tenant, project } = credential;
    const principal = { keyId, role, tenant, project };
    if (drops === this.#drops) this.#keep(keyId, { credential, principal, until: this.clock.now() + believedForMs });
    return principal;
  }

  #keep(keyId: string, entry: Cached): void {
    if (this.#cache.size >= cachedKeys) this.#cache.clear();
    this.#cache.set(keyId, entry);
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const rows of this.store.feed.subscribe({ kinds: ['key'], signal }))
          for (const { resource } of rows) this.drop(resource);
        return; // the store was closed
      } catch (error) {
        if (signal.aborted) return;
        this.log.warn({ err: error }, 'revocations were not heard for a while; every key is asked for again');
        this.#doubtAll();
        await setTimeout(listenAgainMs, undefined, { signal }).catch(() => undefined); // it ends
      }
    }
  }
}
