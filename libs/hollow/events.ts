import type { Alarms } from './alarms.js';
import type { Api } from './api/api.js';
import { type Fields, fieldsAt, type KubeObject, rfc3339 } from './objects.js';
import { apiVersionOf, resourceNamed } from './resources.js';
import { ApiError } from './status.js';
import type { ObjectStore } from './store.js';

/** What a controller, a scheduler or a kubelet warns of. */
export interface Warning {
  about: KubeObject;
  reason: string;
  message: string;
  /** Who warns: `default-scheduler`, `kubelet`. */
  component: string;
}

/** As kube-apiserver's `--event-ttl`. */
const keptMs = 60 * 60_000;
const events = resourceNamed('events');

/** One event for each object and reason: what repeats is counted in it. */
export const eventName = ({ about, reason }: Warning): string => `${about.metadata.name}.${reason.toLowerCase()}`;

/** The event as a client of the old API writes it: `before` is the one that it counts on. */
export function warningEvent(warning: Warning, nowMs: number, before?: Fields): Fields {
  const { about, reason, message, component } = warning;
  const { name, namespace = '', uid, resourceVersion } = about.metadata;
  const time = rfc3339(nowMs);
  return {
    apiVersion: apiVersionOf(events),
    kind: events.kind,
    metadata: { name: eventName(warning), namespace: namespace || 'default' },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion },
    type: 'Warning',
    reason,
    message,
    source: { component },
    firstTimestamp: before?.firstTimestamp ?? time,
    lastTimestamp: time,
    count: Number(before?.count ?? 0) + 1,
  };
}

/** Writes it straight into a hollow cluster, for an hour. */
export function warn(parts: { api: Api; store: ObjectStore; alarms: Alarms }, warning: Warning): void {
  const { api, store, alarms } = parts;
  const namespace = warning.about.metadata.namespace ?? 'default';
  const name = eventName(warning);
  const ref = { resource: events, namespace, name };
  const known = store.get(events, namespace, name);
  const isSame = fieldsAt({ known }, 'known', 'involvedObject').uid === warning.about.metadata.uid;
  const event = warningEvent(warning, api.nowMs, isSame ? known : undefined);
  const manager = { manager: warning.component };
  try {
    if (known !== undefined) {
      api.update(ref, { ...known, ...event, metadata: known.metadata }, manager);
      return;
    }
    const made = api.create(events, namespace, event, manager);
    alarms.after(keptMs, () => {
      const left = store.get(events, namespace, name);
      if (left?.metadata.uid === made.metadata.uid) store.remove(events, left);
    });
  } catch (cause) {
    // the namespace is going away: nobody will read it there
    if (!(cause instanceof ApiError && [403, 404, 409].includes(cause.code))) throw cause;
  }
}
