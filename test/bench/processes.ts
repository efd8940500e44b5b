import { readdir, readFile } from 'node:fs/promises';

/** A process as /proc shows it. */
export interface ProcessFact {
  pid: number;
  parent: number;
  /** Together with the pid this names a process for good: pids are used again. */
  startTime: string;
  name: string;
}

/** Undefined for a process that has gone meanwhile. */
async function readProc(pid: number, file: string): Promise<string | undefined> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => undefined);
}

async function factOf(pid: number): Promise<ProcessFact | undefined> {
  const stat = await readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return { pid, name, parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

/** Every process of this machine that is not a zombie. */
async function allProcesses(): Promise<ProcessFact[]> {
  const entries = await readdir('/proc');
  const facts = await Promise.all(entries.filter((entry) => /^\d+$/.test(entry)).map((entry) => factOf(Number(entry))));
  return facts.filter((fact) => fact !== undefined);
}

/** A process and all that descend from it, whoever they run as. */
export async function processTree(root: number): Promise<ProcessFact[]> {
  return treeOf(root, await allProcesses());
}

/** The same of several, from one look at all processes: a look costs more than what it is for. */
export async function processTrees(roots: readonly number[]): Promise<ProcessFact[][]> {
  const all = await allProcesses();
  return roots.map((root) => treeOf(root, all));
}

function treeOf(root: number, all: readonly ProcessFact[]): ProcessFact[] {
  const tree = all.filter(({ pid }) => pid === root);
  // The list grows while it is walked: children of children are found as well.
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** Those of `known` that still run. */
export async function stillRunning(known: readonly ProcessFact[]): Promise<ProcessFact[]> {
  const now = await Promise.all(known.map(({ pid }) => factOf(pid)));
  return known.filter((fact, index) => now[index]?.startTime === fact.startTime);
}

/** CPU time of every process of that name below `root`, microseconds in steps of 10 ms, by pid. */
export async function cpuOf(root: number, name: string): Promise<ReadonlyMap<number, number>> {
  const tree = (await processTree(root)).filter((each) => each.name === name);
  const times = tree.map(async ({ pid }) => {
    const stat = (await readProc(pid, 'stat')) ?? '';
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [pid, (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10_000] as const;
  });
  return new Map(await Promise.all(times));
}

/** What was used between two looks by those who are there at the second. */
export const cpuBetween = (before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number =>
  [...after].reduce((sum, [pid, used]) => sum + used - (before.get(pid) ?? 0), 0);

/** Proportional set size in bytes: memory that is shared counts once over all who share it. */
export async function pssOf(pid: number): Promise<number> {
  const text = await readProc(pid, 'smaps_rollup');
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

export interface MeasuredProcess extends ProcessFact {
  pssBytes: number;
}

export async function measureTree(root: number): Promise<MeasuredProcess[]> {
  const tree = await processTree(root);
  return Promise.all(tree.map(async (fact) => ({ ...fact, pssBytes: await pssOf(fact.pid) })));
}

export const totalPss = (tree: readonly MeasuredProcess[]): number =>
  tree.reduce((sum, { pssBytes }) => sum + pssBytes, 0);

export const megabytes = (bytes: number): number => bytes / 2 ** 20;
