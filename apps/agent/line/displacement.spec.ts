import { expect, it } from 'vitest';
import { Displacements, settledMs } from './displacement.js';

const after = (livedMs: number, wasSuperseded = true) => ({ began: 1_000, ended: 1_000 + livedMs, wasSuperseded });

it('counts on when another agent takes the line again and again, welcomed or not', () => {
  const displacements = new Displacements();
  expect([5, 60_000, settledMs - 1].map((lived) => displacements.ended(after(lived)))).toEqual([1, 2, 3]);
});

it('does not count a line that ended for another cause, nor forget by it', () => {
  const displacements = new Displacements();
  displacements.ended(after(5));
  expect(displacements.ended(after(5, false))).toBe(0);
  expect(displacements.ended(after(5))).toBe(2);
});

it('starts afresh once a line has lived long enough', () => {
  const displacements = new Displacements();
  displacements.ended(after(5));
  displacements.ended(after(5));
  expect(displacements.ended(after(settledMs))).toBe(1);
});
