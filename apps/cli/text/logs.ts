import { StringDecoder } from 'node:string_decoder';
import type { wire } from '#contract';
import type { Look } from './look.js';

/** Colours that read well on dark and on light, one after the other for pods as they come. */
const paints = [36, 33, 32, 35, 34, 31, 96, 93, 92, 95] as const;

export interface LogPrinter {
  /** The lines as they are shown, each with its prefix. */
  lines(source: wire.PodTarget | undefined, bytes: Uint8Array): string;
  /** Why a source could not be read (to its end). */
  ending(source: wire.PodTarget | undefined, end: { code: string; message: string }): string;
}

const clusterOf = ({ cluster }: wire.PodTarget): string => cluster.slice(cluster.lastIndexOf('/') + 1);

/** `frankfurt/web-5d9c7-x2x4z`, with the container where a pod has several. */
function nameOf(source: wire.PodTarget, hasSeveral: boolean): string {
  const pod = source.pod === '' ? source.component : source.pod;
  const container = hasSeveral && source.container !== '' ? `/${source.container}` : '';
  return `${clusterOf(source)}/${pod}${container}`;
}

/** Says before each line which pod printed it, each pod in a colour of its own where there are colours. */
export function logPrinter({ bars, palette }: Look, { prefix }: { prefix: boolean }): LogPrinter {
  const isColoured = bars && palette.bold('x') !== 'x';
  const colours = new Map<string, number>();
  const containers = new Map<string, Set<string>>();
  const decoders = new Map<string, StringDecoder>();
  const labelOf = (source: wire.PodTarget | undefined): string => {
    if (source === undefined) return '';
    const pod = `${source.cluster}/${source.pod}`;
    const known = containers.get(pod) ?? new Set();
    containers.set(pod, known.add(source.container));
    const colour = colours.get(pod) ?? paints[colours.size % paints.length] ?? 36;
    colours.set(pod, colour);
    const name = nameOf(source, known.size > 1);
    return isColoured ? `\u001b[${colour}m${name}\u001b[0m` : name;
  };
  return {
    lines: (source, bytes) => {
      const key = `${source?.cluster}/${source?.pod}/${source?.container}`;
      const decoder = decoders.get(key) ?? new StringDecoder('utf8');
      decoders.set(key, decoder);
      const text = decoder.write(Buffer.from(bytes));
      if (!prefix) return text;
      const label = `${labelOf(source)} `;
      return text.replace(/^(?=[\s\S])/gm, label);
    },
    ending: (source, { code, message }) => `${labelOf(source)}: ${code}: ${message}`,
  };
}
