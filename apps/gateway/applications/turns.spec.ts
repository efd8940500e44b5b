import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

interface Ask {
  row: string;
  subject: string;
}

/** Turns that end when they are told to. */
function turnsUnderHand(refused: (subject: string) => boolean = () => false) {
  const begun: string[][] = [];
  const ends: (() => void)[] = [];
  const turns = new Turns<Ask, string>({
    laneOf: ({ row }) => row,
    subjectOf: ({ subject }) => subject,
    mostItems: 3,
    mostTurns: 1,
    take: async (items) => {
      begun.push(items.map(({ subject }) => subject));
      await new Promise<void>((resolve) => ends.push(resolve));
      if (items.some(({ subject }) => refused(subject)))
        throw new Error(`refused ${items.map((each) => each.subject)}`);
      return items.map(({ subject }) => `${subject} done`);
    },
  });
  const endNext = async () => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, turns, endNext };
}

const ask = (subject: string, row = 'a'): Ask => ({ row, subject });

describe('Turns', () => {
  it('begins at once with whoever comes first, and takes those who came meanwhile together', async () => {
    const { begun, turns, endNext } = turnsUnderHand();
    const answers = ['1', '2', '3', '4', '5'].map((subject) => turns.join(ask(subject)));
    expect(begun).toEqual([['1']]);
    await endNext();
    expect(begun).toEqual([['1'], ['2', '3', '4']]);
    await endNext();
    await endNext();
    expect(await Promise.all(answers)).toEqual(['1 done', '2 done', '3 done', '4 done', '5 done']);
  });

  it('lets nobody wait for another row', () => {
    const { begun, turns } = turnsUnderHand();
    void turns.join(ask('1', 'a'));
    void turns.join(ask('2', 'b'));
    expect(begun).toEqual([['1'], ['2']]);
  });

  it('takes two that concern the same one after the other, in their order', async () => {
    const { begun, turns, endNext } = turnsUnderHand();
    for (const subject of ['1', '2', '2', '3']) void turns.join(ask(subject));
    await endNext();
    await endNext();
    expect(begun).toEqual([['1'], ['2', '3'], ['2']]);
  });

  it('gives each its own answer when one of a turn is refused', async () => {
    const { turns, endNext } = turnsUnderHand((subject) => subject === '3');
    const answers = Promise.allSettled(['1', '2', '3', '4'].map((subject) => turns.join(ask(subject))));
    for (let turn = 0; turn < 6; turn++) await endNext();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });
});
