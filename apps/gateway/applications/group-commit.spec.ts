import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

interface Ask {
  row: string;
  subject: string;
}

/** Groups that end when they are told to. */
function groupsUnderHand(refused: (subject: string) => boolean = () => false) {
  const begun: string[][] = [];
  const ends: (() => void)[] = [];
  const groups = new GroupCommit<Ask, string>({
    laneOf: ({ row }) => row,
    subjectOf: ({ subject }) => subject,
    mostItems: 3,
    mostGroups: 1,
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
  return { begun, groups, endNext };
}

const ask = (subject: string, row = 'a'): Ask => ({ row, subject });

describe('GroupCommit', () => {
  it('begins at once with whoever comes first, and takes those who came meanwhile together', async () => {
    const { begun, groups, endNext } = groupsUnderHand();
    const answers = ['1', '2', '3', '4', '5'].map((subject) => groups.join(ask(subject)));
    expect(begun).toEqual([['1']]);
    await endNext();
    expect(begun).toEqual([['1'], ['2', '3', '4']]);
    await endNext();
    await endNext();
    expect(await Promise.all(answers)).toEqual(['1 done', '2 done', '3 done', '4 done', '5 done']);
  });

  it('lets nobody wait for another row', () => {
    const { begun, groups } = groupsUnderHand();
    void groups.join(ask('1', 'a'));
    void groups.join(ask('2', 'b'));
    expect(begun).toEqual([['1'], ['2']]);
  });

  it('takes two that concern the same one after the other, in their order', async () => {
    const { begun, groups, endNext } = groupsUnderHand();
    for (const subject of ['1', '2', '2', '3']) void groups.join(ask(subject));
    await endNext();
    await endNext();
    expect(begun).toEqual([['1'], ['2', '3'], ['2']]);
  });

  it('gives each its own answer when one of a group is refused', async () => {
    const { groups, endNext } = groupsUnderHand((subject) => subject === '3');
    const answers = Promise.allSettled(['1', '2', '3', '4'].map((subject) => groups.join(ask(subject))));
    for (let group = 0; group < 6; group++) await endNext();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });
});
