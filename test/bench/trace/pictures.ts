import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Chart, type Line, lineChart, ticksTo } from './chart.js';
import type { Binding } from './fleets.js';
import { fleets, refreshes } from './jobs.js';
import { allocationOf, findSeries, type Series, wrongPercent } from './report.js';
import type { Sight, TracePolicy } from './run.js';

const ways: readonly { name: string; policy: TracePolicy; sight: Sight }[] = [
  { name: 'headroom', policy: 'headroom', sight: 'classes' },
  { name: 'packing', policy: 'packing', sight: 'classes' },
  { name: 'sums only', policy: 'headroom', sight: 'sums' },
];

/** Draws both curves into `folder`; returns the files. `capacity` is that of the binding resource. */
export async function drawPictures(
  folder: string,
  series: readonly Series[],
  binding: Binding,
  capacity: number,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const charts: Record<string, Chart> = {
    'trace-allocation.svg': allocationChart(series, binding, capacity),
    'trace-misplaced.svg': misplacedChart(series),
  };
  const files = Object.keys(charts).map((name) => join(folder, name));
  await Promise.all(Object.values(charts).map((chart, at) => writeFile(files[at] ?? '', lineChart(chart))));
  return files;
}

/** The first order, fleet 1, refresh 100. */
function allocationChart(series: readonly Series[], binding: Binding, capacity: number): Chart {
  const clusters = fleets[0]?.clusters ?? 0;
  const lineOf = (name: string, run: Series['runs'][number] | undefined): Line => ({
    name,
    points: (run?.curve ?? []).map((moment, percent) => [percent, (allocationOf(moment, binding) * 100) / capacity]),
  });
  const lines = [
    lineOf('one cluster with all nodes', series[0]?.singles[0]),
    ...ways.map(({ name, ...way }) =>
      lineOf(`${name}, ${clusters} clusters`, findSeries(series, { clusters, refresh: 100, ...way }).runs[0]),
    ),
  ];
  return {
    title: `${binding.toUpperCase()} that is started, arrivals by creation, an inventory every 100`,
    x: { name: 'arrivals, per cent', ticks: [0, 20, 40, 60, 80, 100] },
    y: { name: '% of capacity', ticks: [0, 20, 40, 60, 80, 100] },
    lines,
  };
}

/** The worst order of each refresh; the refreshes stand beside each other in equal steps. */
function misplacedChart(series: readonly Series[]): Chart {
  const lines = fleets.flatMap(({ name: fleet, clusters }) =>
    ways.map(
      ({ name, ...way }): Line => ({
        name: `${name}, ${fleet}`,
        points: refreshes.map((refresh, at) => [
          at,
          wrongPercent(findSeries(series, { clusters, refresh, ...way }), 'misplaced').worst,
        ]),
      }),
    ),
  );
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  return {
    title: 'Misplaced: sent where it could not start though it could elsewhere (worst order)',
    x: {
      name: 'arrivals from one inventory to the next',
      ticks: refreshes.map((_, at) => at),
      text: (at) => `${refreshes[at] ?? ''}`,
    },
    y: { name: '% of arrivals', ticks: ticksTo(most) },
    lines,
  };
}
