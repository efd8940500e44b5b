import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { KeptObjects } from '../client/kept-objects.js';
import { type Warning, Warnings, warningKind } from './warnings.js';

const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'web-1', uid: 'p1' };
const other = { ...pod, name: 'web-2', uid: 'p2' };
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'web', uid: 'd1' };

const at = (minute: number) => `2030-01-01T12:${String(minute).padStart(2, '0')}:00Z`;

interface Told {
  name: string;
  about?: Partial<typeof pod>;
  reason?: string;
  message?: string;
  more?: JsonObject;
}
const event = ({ name, about = pod, reason = 'BackOff', message = 'again', more = {} }: Told): JsonObject => ({
  metadata: { name, namespace: 'n', uid: name, resourceVersion: name },
  involvedObject: { ...about },
  ...{ type: 'Warning', reason, message, count: 1, lastTimestamp: at(1) },
  ...more,
});

/** A cluster in which pods p1 and p2 and the Deployment are of work w, and namespace n is Berth's. */
function follow() {
  const works: Record<string, string> = { p1: 'w', p2: 'w', d1: 'w' };
  const warnings = new Warnings({
    workOf: (uid) => works[uid],
    workOfParent: (namespace, name) => (namespace === 'n' && name === 'web' ? 'w' : undefined),
    isOurs: (namespace) => namespace === 'n',
  });
  const kept = new KeptObjects<Warning>(warningKind, (object, id) => warnings.keep(object, id));
  const hear = (...events: readonly JsonObject[]) =>
    events.flatMap((each) => kept.see(each).map((change) => warnings.take(change)));
  const forget = (told: JsonObject) => kept.forget(told).map((change) => warnings.take(change));
  return { hear, forget, works, size: () => kept.values().length, told: () => warnings.of([deployment, pod, other]) };
}

describe('what the cluster warns of', () => {
  it('is told with how often and when last, newest first', () => {
    const { hear, told } = follow();
    const touched = hear(
      event({ name: 'a', more: { count: 4, lastTimestamp: at(1) } }),
      event({ name: 'b', reason: 'FailedMount', more: { lastTimestamp: at(5) } }),
    );
    expect(touched).toEqual(['w', 'w']);
    expect(told()).toMatchObject([
      { reason: 'FailedMount', count: 1, lastAt: Date.parse(at(5)) },
      { reason: 'BackOff', count: 4, object: { kind: 'Pod', name: 'web-1' } },
    ]);
  });

  it('is counted together over pods, in the words of the newest', () => {
    const { hear, told } = follow();
    hear(
      event({ name: 'a', more: { count: 2 } }),
      event({ name: 'b', about: other, message: 'newest', more: { count: 3, lastTimestamp: at(2) } }),
    );
    expect(told()).toMatchObject([{ count: 5, message: 'newest', object: { name: 'web-2' } }]);
  });

  it('is read as new clients write it, in a series', () => {
    const { hear, told } = follow();
    const series = { count: 7, lastObservedTime: '2030-01-01T12:09:00.123456Z' };
    hear(event({ name: 'a', more: { count: 0, lastTimestamp: null, eventTime: at(3), series } }));
    expect(told()).toMatchObject([{ count: 7, lastAt: Date.parse('2030-01-01T12:09:00.123Z') }]);
  });

  it('belongs to the Deployment when it is about its replica set, and to the CronJob when about its job', () => {
    const { hear, told } = follow();
    const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4f9', uid: 'r1' };
    expect(hear(event({ name: 'a', about: { ...pod, ...set }, reason: 'FailedCreate' }))).toEqual(['w']);
    expect(told()).toMatchObject([{ reason: 'FailedCreate', object: { kind: 'ReplicaSet', name: 'web-7d4f9' } }]);
  });

  it('is forgotten with its event, and follows its count', () => {
    const { hear, forget, told } = follow();
    hear(event({ name: 'a' }));
    hear(
      event({ name: 'a', more: { metadata: { name: 'a', namespace: 'n', uid: 'a', resourceVersion: '9' }, count: 6 } }),
    );
    expect(told()).toMatchObject([{ count: 6 }]);
    forget(event({ name: 'a' }));
    expect(told()).toEqual([]);
  });

  it('waits for a pod that is not known yet, and keeps nothing about others', () => {
    const { hear, works, told, size } = follow();
    delete works.p1;
    expect(hear(event({ name: 'early' }))).toEqual([undefined]);
    hear(event({ name: 'theirs', about: { ...pod, uid: 'x', namespace: 'theirs' } }));
    expect(size()).toBe(1);
    works.p1 = 'w';
    expect(told()).toMatchObject([{ reason: 'BackOff' }]);
  });

  it('is bounded: for an object, for unknown ones, and for what is told of a work', () => {
    const { hear, told, size } = follow();
    for (let n = 0; n < 100; n += 1) hear(event({ name: `e${n}`, reason: `R${n}` }));
    expect(size()).toBe(20);
    expect(told()).toHaveLength(10);
    for (let n = 0; n < 3_000; n += 1) hear(event({ name: `u${n}`, about: { ...pod, uid: `unknown${n}` } }));
    expect(size()).toBe(1_020);
  });

  it('never throws, whatever the event', () => {
    const key = fc.constantFrom(
      ...'metadata involvedObject reason message count series lastTimestamp eventTime uid name namespace kind'.split(
        ' ',
      ),
    );
    const value = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue(), { maxKeys: 5 }));
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, value, { maxKeys: 8 }), { maxLength: 5 }), (events) => {
        const { hear, told } = follow();
        hear(...(events as JsonObject[]));
        for (const { count } of told()) expect(Number.isSafeInteger(count)).toBe(true);
      }),
    );
  });
});
