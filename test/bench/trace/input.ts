import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchInputError } from '../scenario.js';
import { CsvError, type CsvRow, readCsv, uniqueName, wholeNumber } from './csv.js';

export interface TraceNode {
  name: string;
  mcpu: number;
  memoryMib: number;
  devices: number;
  /** Of its devices; empty where it has none. */
  model: string;
}

export interface TracePod {
  name: string;
  mcpu: number;
  memoryMib: number;
  devices: number;
  /** Of each device, in thousandths; below 1000 `devices` is 1. */
  deviceMilli: number;
  /** Allowed models; empty: any. */
  models: readonly string[];
}

export interface Trace {
  nodes: readonly TraceNode[];
  /** In order of creation. */
  pods: readonly TracePod[];
}

const nodeColumns = ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model'];
const podColumns = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli', 'gpu_spec'];

/** More than any machine has: what lies above is a slip in the units. */
const mostMcpu = 10_000_000;
const mostMib = 100_000_000;
const mostDevices = 64;

export function nodesOf(file: string, text: string): TraceNode[] {
  const seen = new Set<string>();
  const nodes = readCsv(file, text, nodeColumns).map((row) => ({
    name: uniqueName(row, 'sn', seen),
    mcpu: wholeNumber(row, 'cpu_milli', 1, mostMcpu),
    memoryMib: wholeNumber(row, 'memory_mib', 1, mostMib),
    devices: wholeNumber(row, 'gpu', 0, mostDevices),
    model: row.values.model ?? '',
  }));
  if (nodes.length === 0) throw new CsvError({ file, line: 2 }, 'no line', 'at least one node');
  return nodes;
}

export function podsOf(file: string, text: string): TracePod[] {
  const seen = new Set<string>();
  const rows = readCsv(file, text, podColumns);
  const pods = rows.map((row) => ({ pod: podOf(row, seen), created: createdOf(row) }));
  if (pods.length === 0) throw new CsvError({ file, line: 2 }, 'no line', 'at least one pod');
  return pods.sort((a, b) => a.created - b.created).map(({ pod }) => pod);
}

function podOf(row: CsvRow, seen: Set<string>): TracePod {
  const devices = wholeNumber(row, 'num_gpu', 0, mostDevices);
  return {
    name: uniqueName(row, 'name', seen),
    mcpu: wholeNumber(row, 'cpu_milli', 0, mostMcpu),
    memoryMib: wholeNumber(row, 'memory_mib', 0, mostMib),
    devices,
    deviceMilli: devices === 0 ? 0 : deviceMilliOf(row, devices),
    models: (row.values.gpu_spec ?? '').split('|').filter((model) => model !== ''),
  };
}

/** A part is a part of one device; several devices are whole ones. */
const deviceMilliOf = (row: CsvRow, devices: number): number =>
  wholeNumber(row, 'gpu_milli', devices === 1 ? 1 : 1000, 1000);

/** A trace that does not say when its pods came is in order already. */
function createdOf({ file, line, values }: CsvRow): number {
  const found = values.creation_time;
  if (found === undefined) return 0;
  if (/^\d+(\.\d+)?$/.test(found)) return Number(found);
  throw new CsvError({ file, line, column: 'creation_time' }, `"${found}"`, 'seconds, as 427061');
}

/** Beside the repository, not in it: the trace is another's. */
const inputs = join(import.meta.dirname, '../../../../../shared/inputs/trace');

/** Reads both files; without names, those in ../shared/inputs/trace. */
export function readTrace(nodesFile: string | undefined, podsFile: string | undefined): Trace {
  const read = (file: string, option: string): string => {
    if (!existsSync(file)) throw new BenchInputError(`${file} is not there: name a file with --${option}`);
    return readFileSync(file, 'utf8');
  };
  const nodes = nodesFile ?? join(inputs, 'openb_node_list_all_node.csv');
  const pods = podsFile ?? join(inputs, 'openb_pod_list_default.csv');
  return { nodes: nodesOf(nodes, read(nodes, 'nodes')), pods: podsOf(pods, read(pods, 'pods')) };
}
