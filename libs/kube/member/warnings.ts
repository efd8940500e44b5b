import type { Instant, JsonObject, ObjectEvent, ObjectRef } from '#domain';
import type { ObjectChange } from '../client/kept-objects.js';
import { at, type KindRef, numberAt, type ObjectIdentity, textAt } from '../client/objects.js';
import { brief } from './summaries.js';

/** Warnings are events of this kind, in every version of Kubernetes that Berth knows. */
export const warningKind: KindRef = { apiVersion: 'v1', kind: 'Event' };
export const warningSelector = 'type=Warning';

/** More of one work say nothing more; the newest are told. */
const mostTold = 10;
/** Of one object; the server itself folds what repeats. */
const mostOfOne = 20;
/** Of objects that are not known yet, in namespaces that are: a warning can be faster than its pod. */
const mostUnknown = 1_000;
const longestMessage = 500;
const longestName = 253;

/** Who is warned of, as far as the warnings need to know. */
export interface Known {
  workOf(uid: string): string | undefined;
  /** Of a Deployment or CronJob, whose replica sets and jobs are not watched. */
  workOfParent(namespace: string, name: string): string | undefined;
  isOurs(namespace: string): boolean;
}

/** One event, without what nobody asks for. */
export interface Warning {
  id: string;
  about: ObjectRef;
  aboutUid: string;
  reason: string;
  message: string;
  count: number;
  lastAt: Instant | undefined;
}

const generated: ReadonlySet<string> = new Set(['ReplicaSet', 'Job']);

/** The name of what made an object whose name is its maker's, a dash and a hash or a number. */
const parentKey = ({ namespace, name }: ObjectRef): string => `${namespace}/${name.slice(0, name.lastIndexOf('-'))}`;

/** Clients of the old API write `lastTimestamp` and `count`, those of the new one `eventTime` and a series. */
function lastTime(event: JsonObject): Instant | undefined {
  const times = [
    textAt(event, 'series', 'lastObservedTime'),
    textAt(event, 'lastTimestamp'),
    textAt(event, 'eventTime'),
    textAt(event, 'firstTimestamp'),
    textAt(event, 'metadata', 'creationTimestamp'),
  ];
  return times.map((time) => Date.parse(time)).find((time) => Number.isFinite(time) && time >= 0);
}

const most = 2 ** 31 - 1;
const countOf = (event: JsonObject): number => {
  const count = numberAt(event, 'series', 'count') ?? numberAt(event, 'count') ?? 1;
  return Math.min(most, Math.max(1, Math.trunc(count)));
};

/** What the cluster warns of objects that Berth knows; everything else is let go by. */
export class Warnings {
  private readonly byUid = new Map<string, Map<string, Warning>>();
  private readonly byParent = new Map<string, Map<string, Warning>>();
  private readonly unknown = new Set<string>();

  constructor(private readonly known: Known) {}

  /** The projection for the reflector: undefined for what is nobody's. */
  keep(event: JsonObject, { uid, namespace, name }: ObjectIdentity): Warning | undefined {
    const involved = at(event, 'involvedObject');
    const aboutUid = textAt(involved, 'uid');
    const about = {
      apiVersion: brief(textAt(involved, 'apiVersion'), longestName),
      kind: brief(textAt(involved, 'kind'), longestName),
      namespace: brief(textAt(involved, 'namespace'), longestName),
      name: brief(textAt(involved, 'name'), longestName),
    };
    const id = uid || `${namespace}/${name}`;
    if (!this.matters(about, aboutUid, id)) return undefined;
    return {
      ...{ id, about, aboutUid },
      reason: brief(textAt(event, 'reason'), 100),
      message: brief(textAt(event, 'message') || textAt(event, 'note'), longestMessage),
      count: countOf(event),
      lastAt: lastTime(event),
    };
  }

  private matters(about: ObjectRef, aboutUid: string, id: string): boolean {
    const kept = this.byUid.get(aboutUid);
    if (kept?.has(id) === true) return true;
    if ((kept?.size ?? 0) >= mostOfOne) return false;
    if (this.workOf({ about, aboutUid }) !== undefined) return true;
    return this.known.isOurs(about.namespace) && this.unknown.size < mostUnknown;
  }

  /** Takes a change in; answers the work that it is about, if it is known. */
  take(change: ObjectChange<Warning>): string | undefined {
    if (change.type === 'modified') this.remove(change.before);
    if (change.type === 'deleted') this.remove(change.kept);
    else this.put(change.kept);
    return this.workOf(change.kept);
  }

  /** Told together where they say the same of objects of one kind: the newest names the object. */
  of(objects: readonly (ObjectRef & { uid: string })[]): ObjectEvent[] {
    const found = objects.flatMap((object) => [
      ...(this.byUid.get(object.uid)?.values() ?? []),
      ...(object.kind === 'Deployment' || object.kind === 'CronJob'
        ? (this.byParent.get(`${object.namespace}/${object.name}`)?.values() ?? [])
        : []),
    ]);
    return coalesced(found).slice(0, mostTold);
  }

  private workOf({ about, aboutUid }: Pick<Warning, 'about' | 'aboutUid'>): string | undefined {
    const direct = this.known.workOf(aboutUid);
    if (direct !== undefined || !generated.has(about.kind)) return direct;
    const [namespace = '', name = ''] = parentKey(about).split('/');
    return this.known.workOfParent(namespace, name);
  }

  private put(warning: Warning): void {
    putInto(this.byUid, warning.aboutUid, warning);
    if (generated.has(warning.about.kind)) putInto(this.byParent, parentKey(warning.about), warning);
    if (this.workOf(warning) === undefined) this.unknown.add(warning.id);
  }

  private remove({ id, about, aboutUid }: Warning): void {
    this.unknown.delete(id);
    removeFrom(this.byUid, aboutUid, id);
    if (generated.has(about.kind)) removeFrom(this.byParent, parentKey(about), id);
  }
}

function putInto(index: Map<string, Map<string, Warning>>, key: string, warning: Warning): void {
  index.set(key, (index.get(key) ?? new Map<string, Warning>()).set(warning.id, warning));
}

function removeFrom(index: Map<string, Map<string, Warning>>, key: string, id: string): void {
  const kept = index.get(key);
  kept?.delete(id);
  if (kept?.size === 0) index.delete(key);
}

/** Newest first. */
function coalesced(warnings: readonly Warning[]): ObjectEvent[] {
  const together = new Map<string, ObjectEvent>();
  for (const { about, reason, message, count, lastAt } of warnings) {
    const key = `${about.kind} ${reason}`;
    const known = together.get(key);
    const isNewer = known === undefined || (lastAt ?? 0) >= (known.lastAt ?? 0);
    const newest = isNewer ? { object: about, message, lastAt } : known;
    together.set(key, {
      object: newest.object,
      reason,
      message: newest.message,
      count: Math.min(most, count + (known?.count ?? 0)),
      lastAt: newest.lastAt,
    });
  }
  return [...together.values()].sort((a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0) || (a.reason < b.reason ? -1 : 1));
}
