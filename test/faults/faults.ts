import type { FaultyMembers } from './members.js';
import type { BerthProcesses } from './processes.js';

/** Something that goes wrong, until it is healed. */
export interface Fault {
  name: string;
  /** Faults of one place exclude each other. */
  place: string;
  begin(chance: () => number): Promise<() => Promise<void>>;
}

const instant = (heal: () => void) => async () => heal();

/** Everything that can happen to these parts. */
export function allFaults({ hub, scheduler, agents }: BerthProcesses, { members, etcd }: FaultyMembers): Fault[] {
  const processes = [
    { name: 'hub', part: hub },
    { name: 'scheduler', part: scheduler },
    ...agents.map(({ cluster, process }) => ({ name: `agent of ${cluster}`, part: process })),
    ...members.map((member) => ({ name: `API server of ${member.name}`, part: member })),
    ...(etcd === undefined ? [] : [{ name: 'etcd', part: etcd }]),
  ];
  const lines = [
    ...agents.map(({ cluster, line }) => ({
      name: `line of ${cluster} to the hub`,
      place: `hub line ${cluster}`,
      line,
    })),
    ...members.map(({ name, line }) => ({ name: `line to ${name}`, place: `API server of ${name}`, line })),
  ];
  return [
    ...processes.flatMap(({ name, part }): Fault[] => [
      { name: `${name} killed`, place: name, begin: () => part.crash() },
      { name: `${name} frozen`, place: name, begin: async () => instant(part.freeze()) },
    ]),
    ...lines.flatMap(({ name, place, line }): Fault[] => {
      const broken = (how: string, begin: (chance: () => number) => void): Fault => ({
        name: `${name} ${how}`,
        place,
        begin: async (chance) => {
          begin(chance);
          return instant(() => line.mend());
        },
      });
      return [
        broken('cut', () => line.cut()),
        broken('silent', () => line.freeze()),
        broken('slow', (chance) => line.delay(20 + Math.floor(chance() * 400))),
      ];
    }),
  ];
}
