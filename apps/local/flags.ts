import { dnsLabel, InvalidQuantity, parseBytes, parseMcpu } from '#domain';
import type { NodeGroup } from '#hollow';
import { StartupError, StartupErrors } from '#platform';

/** What the command line of a hollow cluster says, as it was typed. */
export interface HollowFlags {
  nodes: string;
  cpu: string;
  memory: string;
}

/** What a flag is, or the line that says what is wrong with it. */
type Read<T> = { value: T } | { wrong: string };

const wrong = (what: string, found: string, allowed: string): { wrong: string } => ({
  wrong: `${what} is ${JSON.stringify(found)}; allowed: ${allowed}`,
});

function readName(found: string): Read<string> {
  return dnsLabel.test(found) ? { value: found } : wrong('the name', found, '1 to 63 of a-z, 0-9 and "-"');
}

function readCount(found: string): Read<number> {
  const count = /^[0-9]+$/.test(found) ? Number(found) : 0;
  return count >= 1 && count <= 1000 ? { value: count } : wrong('--nodes', found, 'a whole number from 1 to 1000');
}

function readQuantity(flag: string, found: string, parse: (text: string) => number, allowed: string): Read<string> {
  try {
    return parse(found) > 0 ? { value: found } : wrong(flag, found, allowed);
  } catch (error) {
    if (error instanceof InvalidQuantity) return wrong(flag, found, allowed);
    throw error;
  }
}

/** @throws StartupErrors with a line for each flag that is wrong: its name, what was found, what is allowed. */
export function readHollowFlags(typed: string, flags: HollowFlags): { name: string; nodes: NodeGroup } {
  const name = readName(typed);
  const count = readCount(flags.nodes);
  const cpu = readQuantity('--cpu', flags.cpu, parseMcpu, 'cores above 0, like 4, 1.5 or 500m');
  const memory = readQuantity('--memory', flags.memory, parseBytes, 'bytes above 0, like 16Gi, 512Mi or 2G');
  if ('value' in name && 'value' in count && 'value' in cpu && 'value' in memory)
    return { name: name.value, nodes: { count: count.value, cpu: cpu.value, memory: memory.value } };
  throw new StartupErrors([name, count, cpu, memory].flatMap((read) => ('wrong' in read ? [read.wrong] : [])));
}

/** Seconds of `--patience` as milliseconds. @throws StartupError naming it, what was found and what is allowed. */
export function readPatienceMs(found: string): number {
  const seconds = /^[0-9]+$/.test(found) ? Number(found) : 0;
  if (seconds >= 1 && seconds <= 86_400) return seconds * 1000;
  throw new StartupError(wrong('--patience', found, 'whole seconds from 1 to 86400').wrong);
}
