import { Slots } from '#domain';
import type { Feed } from '../core/feed.js';
import type { Reader } from '../core/reader.js';
import type { Store } from '../core/store.js';
import type { Transaction } from '../core/transaction.js';
import { workBacklog } from './backlog.js';
import { forgetWaiting, noteWaiting, sweepConditions } from './conditions.js';
import { storeHeartbeats, storeSchema } from './heartbeats.js';
import { certificateStanding, knownStanding, renewCertificate } from './identities.js';
import { closeLine, lineStandings, openLines } from './lines.js';
import { nodeLabelKeys } from './node-labels.js';
import { Openings } from './openings.js';
import type { AgentCertificate, AgentStore, FleetNews } from './port.js';
import { storeStatus } from './status.js';
import { announceSilent, sweepLeases } from './sweep.js';

/**
 * Transactions for single agents at a time, of the ten connections of a store: when a whole fleet comes back at once, its
 * agents wait for each other, and neither for a connection until that times out, nor in front of everybody's status.
 */
const singleAtOnce = 6;

/** The agents' side of the store, in Postgres. `actor` is who the transactions are run by. */
export function postgresAgentStore(store: Store, actor: string): AgentStore {
  const run = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    store.unitOfWork.run({ kind: 'system', actor }, work);
  const read: Reader = (sql, parameters) => store.unitOfWork.read({ kind: 'system', actor }, sql, parameters);
  const slots = new Slots(singleAtOnce);
  const inSlot = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => slots.within(() => run(work));
  const openings = new Openings(async (requests) => {
    const incarnation = await store.feed.incarnation();
    return inSlot((tx) => openLines(tx, incarnation, requests));
  });
  return {
    ping: () => store.ping(),
    // most are known, and one round trip tells
    certificateStanding: async (certificate) =>
      (await slots.within(() => knownStanding(read, certificate))) ??
      (await inSlot((tx) => certificateStanding(tx, certificate))),
    recordRenewal: (certificate, former) => inSlot((tx) => recordRenewal(tx, certificate, former)),
    openLine: (request) => openings.ask(request),
    closeLine: (line) => inSlot((tx) => closeLine(tx, line)),
    lineStandings: (lines) => run((tx) => lineStandings(tx, lines)),
    noteWaiting: (waiting) => inSlot((tx) => noteWaiting(tx, waiting)),
    forgetWaiting: (waiting) => inSlot((tx) => forgetWaiting(tx, waiting)),
    workBacklog: (from) => slots.within(() => workBacklog(read, from)),
    storeStatus: (writes) => run((tx) => storeStatus(tx, writes)),
    storeHeartbeats: (beats, leaseTtlMs) => run((tx) => storeHeartbeats(tx, beats, leaseTtlMs)),
    storeSchema: (reported) => inSlot((tx) => storeSchema(tx, reported)),
    nodeLabelKeys: () => nodeLabelKeys(read),
    sweepLeases: () => run(sweepLeases),
    announceSilent: (told) => run((tx) => announceSilent(tx, told)),
    sweepConditions: () => run(sweepConditions),
    news: (signal) => newsOf(store.feed, signal),
    hints: (take) => store.feed.hear((hint) => hint.kind === 'work' && take(hint.resource)),
  };
}

async function recordRenewal(tx: Transaction, certificate: AgentCertificate, former: string): Promise<boolean> {
  const { cluster, serial } = certificate;
  if (!(await renewCertificate(tx, certificate, former))) return false;
  await tx.audit.append({
    tenant: undefined,
    actor: `agent:${cluster}`,
    action: 'clusters.renew-certificate',
    target: `clusters/${cluster}`,
    after: { serial },
  });
  return true;
}

async function* newsOf(feed: Feed, signal: AbortSignal): AsyncGenerator<readonly FleetNews[], void, undefined> {
  for await (const rows of feed.subscribe({ kinds: ['work', 'cluster', 'release'], signal }))
    yield rows.flatMap(({ kind, resource, version }): FleetNews[] => {
      if (kind === 'work') return [{ kind, resource, sequence: version > 0n ? version : undefined }];
      return kind === 'cluster' || kind === 'release' ? [{ kind, resource }] : [];
    });
}
