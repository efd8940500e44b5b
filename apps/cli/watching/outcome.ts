import { wire } from '#contract';
import { RpcError } from '#platform/client';
import { Unfulfilled } from '../failure.js';
import type { Session } from '../session.js';
import { applicationRows } from '../text/applications.js';
import { idOf, span } from '../text/figures.js';
import { noColours } from '../text/look.js';
import { phaseWord, releasePhaseWord } from '../text/phases.js';
import { reasonLines } from '../text/reasons.js';
import { follow } from './follow.js';

/** How a release fares: not at its end yet, ready, or at an end that needs somebody. */
type Verdict = { kind: 'on-its-way' } | { kind: 'ready' } | { kind: 'ended'; why: string; details: string[] };

const onItsWay: Verdict = { kind: 'on-its-way' };

const reasonsOf = (state: wire.EnvironmentStatus): string[] =>
  state.components.flatMap((each) => reasonLines(each).map((line) => `${each.component}: ${line}`));

/** What is not ready yet, and where. */
const unready = (state: wire.EnvironmentStatus): string[] =>
  state.components
    .filter(({ phase }) => phase !== wire.Phase.READY)
    .flatMap(({ component, phase, clusters }) => {
      const late = clusters.filter((at) => at.phase !== wire.Phase.READY);
      if (late.length === 0) return [`${component}: ${phaseWord(phase, noColours)}`];
      return late.map(({ cluster, phase: there, replicas }) => {
        const count = replicas === undefined ? '' : `, ${replicas.ready}/${replicas.desired} ready`;
        return `${component} in ${idOf(cluster)}: ${phaseWord(there, noColours)}${count}`;
      });
    });

/** A cluster takes the newest content by no means as it is, even where an older one goes on serving. */
const isRefusedByCluster = ({ release, components }: wire.EnvironmentStatus): boolean =>
  release?.phase === wire.ReleasePhase.PLACED &&
  components.some(({ clusters }) => clusters.some((at) => at.reasons.some(({ facts }) => facts.refused === 'true')));

/** It has no place until others have left that gave way to it: that comes by itself. */
const isPreempting = ({ components }: wire.EnvironmentStatus): boolean =>
  components.some(({ reasons }) => reasons.some(({ reason }) => reason === 'Preempting'));

/** Judges what was released by what is seen of the application now. */
export function verdictOn(application: wire.Application, release: wire.Release): Verdict {
  const state = application.environments.find(({ environment }) => release.name.startsWith(`${environment}/`));
  const seen = state?.release;
  if (application.deleteTime !== undefined) return { kind: 'ended', why: 'it is being deleted', details: [] };
  if (state === undefined || seen === undefined || seen.number < release.number) return onItsWay;
  if (seen.number > release.number)
    return { kind: 'ended', why: `v${seen.number} has taken the place of v${release.number}`, details: [] };
  const isFailed = state.phase === wire.Phase.FAILED || isRefusedByCluster(state);
  if ((seen.phase === wire.ReleasePhase.REFUSED && !isPreempting(state)) || isFailed) {
    const word = isFailed ? 'failed' : releasePhaseWord(seen.phase, noColours);
    return { kind: 'ended', why: `v${release.number} is ${word}`, details: [...new Set(reasonsOf(state))] };
  }
  return state.phase === wire.Phase.READY ? { kind: 'ready' } : onItsWay;
}

/** Runs `work` under a signal that fires after `timeoutMs` or on Ctrl-C; says `late` when the time ran out. */
async function withinTime<T>(
  session: Session,
  timeoutMs: number,
  late: () => Unfulfilled,
  work: (signal: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const done = await work(AbortSignal.any([timeout, session.io.signal]));
  if (done === undefined && timeout.aborted) throw late();
  return done;
}

const watchOne = (session: Session, name: string, signal: AbortSignal) =>
  follow({
    open: (resumeToken, abort) => session.applications.watchApplications({ name, resumeToken }, { signal: abort }),
    io: session.io,
    signal,
    lost: () => session.remark('connection lost; trying again …'),
  });

/**
 * Waits until a release is ready everywhere and says how it fares.
 *
 * @throws Unfulfilled when it is refused, fails, is replaced, or takes longer than `timeoutMs`.
 */
export async function untilReady(
  session: Session,
  release: wire.Release,
  timeoutMs: number,
): Promise<'ready' | undefined> {
  const name = idOf(release.application);
  let latest: string[] = [];
  const late = () => new Unfulfilled(`${name} is not ready after ${span(timeoutMs)}`, latest);
  return await withinTime(session, timeoutMs, late, async (signal) => {
    for await (const followed of watchOne(session, release.application, signal)) {
      if (followed.kind === 'anew' || followed.message.event.case === 'synced') continue;
      if (followed.message.event.case === 'deleted') throw new Unfulfilled(`${name} was deleted`);
      if (followed.message.event.case !== 'changed') continue;
      const application = followed.message.event.value;
      const verdict = verdictOn(application, release);
      const state = application.environments.find(({ environment }) => release.name.startsWith(`${environment}/`));
      latest = state === undefined ? [] : [...new Set([...unready(state), ...reasonsOf(state)])];
      sayProgress(session, application, state);
      if (verdict.kind === 'ready') return 'ready';
      if (verdict.kind === 'ended') throw new Unfulfilled(`${name}: ${verdict.why}`, verdict.details);
    }
    return undefined;
  });
}

const saidBefore = new WeakMap<Session, string>();

function sayProgress(session: Session, application: wire.Application, state: wire.EnvironmentStatus | undefined): void {
  const row = applicationRows(application, session.look())[
    state === undefined ? 0 : application.environments.indexOf(state)
  ];
  const line = (row ?? []).slice(0, -1).join('  ');
  if (saidBefore.get(session) !== line) session.remark(line);
  saidBefore.set(session, line);
}

/**
 * Waits until an application is gone from every member.
 *
 * @throws Unfulfilled when it takes longer than `timeoutMs`.
 */
export async function untilGone(session: Session, name: string, timeoutMs: number): Promise<'gone' | undefined> {
  const late = () => new Unfulfilled(`${idOf(name)} is not gone after ${span(timeoutMs)}; members may be unreachable`);
  return await withinTime(session, timeoutMs, late, async (signal) => {
    let seen = false;
    try {
      for await (const followed of watchOne(session, name, signal)) {
        if (followed.kind === 'anew') seen = false;
        else if (followed.message.event.case === 'deleted') return 'gone';
        else if (followed.message.event.case === 'synced' && !seen) return 'gone';
        else if (followed.message.event.case === 'changed') {
          seen = true;
          sayProgress(session, followed.message.event.value, followed.message.event.value.environments[0]);
        }
      }
    } catch (error) {
      if (error instanceof RpcError && error.code === 'NOT_FOUND') return 'gone';
      throw error;
    }
    return undefined;
  });
}
