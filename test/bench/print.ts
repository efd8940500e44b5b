import type { Machine } from './machine.js';
import type { BenchOutcome, BenchTable, Scenario } from './scenario.js';

/** Columns as wide as they need be; numbers to the right. */
export function tableLines({ title, rows }: BenchTable): string[] {
  const cells = rows.map((row) => row.map((cell) => ({ text: String(cell), right: typeof cell === 'number' })));
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...cells.map((row) => row[column]?.text.length ?? 0)),
  );
  const rightAligned = widths.map((_, column) => cells.slice(1).some((row) => row[column]?.right === true));
  const lines = cells.map((row) =>
    row
      .map(({ text }, column) => {
        const width = widths[column] ?? 0;
        return rightAligned[column] === true ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return ['', title, ...lines.map((line) => `  ${line}`)];
}

/** Each result beside its target, with a word on whether it is met. */
export function resultTable({ results }: BenchOutcome, targets: Scenario['targets']): BenchTable {
  const rows = Object.entries(results).map(([name, value]) => {
    const target = targets[name];
    if (target === undefined) return [name, value, '', ''];
    const met = 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
    const bound = 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
    return [name, value, bound, met ? 'met' : 'MISSED'];
  });
  return { title: 'results', rows: [['name', 'value', 'target', ''], ...rows] };
}

export const machineLine = (machine: Machine): string =>
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; ${machine.kernel} (${machine.system}); Node ${machine.node}`;
