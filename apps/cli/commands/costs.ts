import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { wire } from '#contract';
import { UsageError } from '../failure.js';

/** What an operator may say of a cluster's costs; each may be left out. */
export interface CostOptions {
  corePrice?: string;
  memoryPrice?: string;
  carbon?: string;
  jurisdiction: string[];
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export const addCosts = (command: Command): Command =>
  command
    .option('--core-price <amount>', 'what a core costs an hour, like 0.031; in the fleet’s one currency')
    .option('--memory-price <amount>', 'what a GiB of memory costs an hour, like 0.004')
    .option('--carbon <grams>', 'grams of CO2 for a kWh of its power, like 380')
    .option('--jurisdiction <name>', 'under whose law its data lies, like eu; may be repeated', collect, []);

/** `0.031` → 31000 millionths. Six decimals at most, so that nothing is rounded. */
function microsOf(text: string, option: string): bigint {
  const [, whole, fraction = ''] = /^([0-9]{1,6})(?:\.([0-9]{1,6}))?$/.exec(text) ?? [];
  if (whole === undefined)
    throw new UsageError(`"${text}" is no ${option}; allowed are amounts like 0.031, with six decimals at most`);
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

type Costs = Pick<MessageInitShape<typeof wire.ClusterSchema>, 'price' | 'carbonIntensity' | 'jurisdictions'>;

/** The fields that the options set, under the names that an update mask has for them. */
export function costsOf({ corePrice, memoryPrice, carbon, jurisdiction }: CostOptions): {
  costs: Costs;
  paths: string[];
} {
  const costs: Costs = {};
  const paths: string[] = [];
  if (corePrice !== undefined || memoryPrice !== undefined) {
    if (corePrice === undefined || memoryPrice === undefined)
      throw new UsageError('a price is one of cores and of memory: give both --core-price and --memory-price');
    costs.price = {
      coreHourMicros: microsOf(corePrice, '--core-price'),
      gibHourMicros: microsOf(memoryPrice, '--memory-price'),
    };
    paths.push('price');
  }
  if (carbon !== undefined) {
    if (!/^[0-9]{1,6}$/.test(carbon))
      throw new UsageError(`"${carbon}" is no --carbon; allowed are whole grams, like 380`);
    costs.carbonIntensity = Number(carbon);
    paths.push('carbon_intensity');
  }
  if (jurisdiction.length > 0) {
    costs.jurisdictions = jurisdiction;
    paths.push('jurisdictions');
  }
  return { costs, paths };
}
