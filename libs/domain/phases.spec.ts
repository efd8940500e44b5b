import { describe, expect, it } from 'vitest';
import { type Freshness, type RunPhase, runPhaseOf, type WorkPhase, worstPhase } from './phases.js';

const phases: readonly WorkPhase[] = ['pending', 'applying', 'ready', 'degraded', 'failed'];
const ages: readonly Freshness[] = ['fresh', 'stale', 'unknown'];

describe('the phase that a report stands for', () => {
  it('is ready only for a fresh report of the current generation with every replica that was decided', () => {
    for (const phase of phases)
      for (const freshness of ages)
        for (const current of [true, false])
          for (const whole of [true, false])
            for (const refused of [true, false]) {
              const isReady = phase === 'ready' && freshness === 'fresh' && current && whole;
              expect(runPhaseOf({ phase, freshness, current, whole, refused }) === 'ready').toBe(isReady);
            }
  });

  it.each<[WorkPhase, Freshness, RunPhase]>([
    ['ready', 'stale', 'unknown'],
    ['degraded', 'stale', 'degraded'],
    ['failed', 'unknown', 'unknown'],
    ['pending', 'fresh', 'applying'],
  ])('of %s, %s, is %s', (phase, freshness, expected) => {
    expect(runPhaseOf({ phase, freshness, current: true, whole: true, refused: false })).toBe(expected);
  });

  it('is degraded when the cluster is content with less than was decided', () => {
    expect(runPhaseOf({ phase: 'ready', freshness: 'fresh', current: true, whole: false, refused: false })).toBe(
      'degraded',
    );
  });

  it.each<[WorkPhase, Freshness, boolean, RunPhase]>([
    ['failed', 'fresh', true, 'failed'],
    ['degraded', 'fresh', true, 'degraded'],
    ['failed', 'unknown', true, 'unknown'],
    ['applying', 'fresh', true, 'applying'],
    ['ready', 'fresh', true, 'applying'],
    ['failed', 'fresh', false, 'applying'],
    ['degraded', 'fresh', false, 'applying'],
  ])('of %s, %s, before the newest content is there, refused: %s, is %s', (phase, freshness, refused, expected) => {
    expect(runPhaseOf({ phase, freshness, current: false, whole: true, refused })).toBe(expected);
  });
});

describe('the worst of many', () => {
  it('is removed only when all are, and else leaves out what is', () => {
    expect(worstPhase(['removed', 'removed'])).toBe('removed');
    expect(worstPhase(['removed', 'ready'])).toBe('ready');
    expect(worstPhase(['ready', 'unknown', 'applying'])).toBe('unknown');
  });
});
