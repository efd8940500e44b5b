import type { JsonObject } from '#domain';
import { at, listAt, numberAt, textAt, textsAt } from '../client/objects.js';

/** How objects are, in a few words. Pure; `object` as the server stores it. */

const longestSummary = 120;

/** Cut to `most` characters, and never in the middle of one. */
export const brief = (text: string, most: number): string => text.slice(0, most).replace(/[\ud800-\udbff]$/, '');

const addressesOf = (object: JsonObject): string[] =>
  listAt(object, 'status', 'loadBalancer', 'ingress')
    .map((each) => textAt(each, 'ip') || textAt(each, 'hostname'))
    .filter((address) => address !== '');

export const hasAddress = (object: JsonObject): boolean => addressesOf(object).length > 0;

/** `10.0.0.7:80,443`, `headless:80`, `203.0.113.9:80`. */
function service(object: JsonObject): string {
  const type = textAt(object, 'spec', 'type');
  if (type === 'ExternalName') return `to ${textAt(object, 'spec', 'externalName')}`;
  const ports = listAt(object, 'spec', 'ports').flatMap((each) => numberAt(each, 'port') ?? []);
  const own = textAt(object, 'spec', 'clusterIP');
  const [address = own === 'None' ? 'headless' : own] = addressesOf(object);
  const pending = type === 'LoadBalancer' && !hasAddress(object) ? ', no load balancer yet' : '';
  return `${address}${ports.length === 0 ? '' : `:${ports.join(',')}`}${pending}`;
}

/** `shop.example at 203.0.113.9`. */
function ingress(object: JsonObject): string {
  const hosts = [...new Set(listAt(object, 'spec', 'rules').map((rule) => textAt(rule, 'host') || '*'))];
  const more = hosts.length > 1 ? ` and ${hosts.length - 1} more` : '';
  const [address] = addressesOf(object);
  return `${hosts[0] ?? '*'}${more}${address === undefined ? ', no address yet' : ` at ${address}`}`;
}

/** `Bound 1Gi`. */
const claim = (object: JsonObject): string =>
  [textAt(object, 'status', 'phase') || 'Pending', textsAt(object, 'status', 'capacity').storage]
    .filter((word) => word !== undefined)
    .join(' ');

const minuteOf = (time: string): string => {
  const [, date, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(time) ?? [];
  return date === undefined ? 'at an unknown time' : `${date} ${minute}`;
};

/** `last run 2030-01-01 12:05, 1 running`; times are UTC, as the server writes them. */
function cronJob(object: JsonObject): string {
  if (at(object, 'spec', 'suspend') === true) return 'suspended';
  const last = textAt(object, 'status', 'lastScheduleTime');
  const running = listAt(object, 'status', 'active').length;
  const ran = last === '' ? 'not run yet' : `last run ${minuteOf(last)}`;
  return running === 0 ? ran : `${ran}, ${running} running`;
}

/** `Running`, `CrashLoopBackOff` … */
const pod = (object: JsonObject): string => textAt(object, 'status', 'reason') || textAt(object, 'status', 'phase');

const summaries: Readonly<Record<string, (object: JsonObject) => string>> = {
  'v1/Service': service,
  'v1/PersistentVolumeClaim': claim,
  'v1/Pod': pod,
  'networking.k8s.io/Ingress': ingress,
  'extensions/Ingress': ingress,
  'batch/CronJob': cronJob,
};

/** Of kinds that say more than how many are ready; `group/kind` names them, `v1` the group without a name. */
export const summaryOf = (object: JsonObject, groupKind: string): string =>
  brief(summaries[groupKind]?.(object) ?? '', longestSummary);
