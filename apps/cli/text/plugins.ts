import type { wire } from '#contract';
import type { Look } from './look.js';

/** A line for each plug-in that failed: why, and what counts instead. */
export const failedPlugins = ({ plugins }: wire.GroupDecision, { palette }: Look): string[] =>
  plugins
    .filter(({ failure }) => failure !== '')
    .map(({ name, failure, fallback }) => {
      const { score, refuses } = fallback ?? {};
      const defaults = [
        ...(refuses === undefined ? [] : [refuses ? 'clusters are refused' : 'clusters are admitted']),
        ...(score === undefined ? [] : [`default score ${score}`]),
      ];
      const instead = defaults.length === 0 ? '' : `: ${defaults.join(', ')}`;
      return palette.yellow(`plug-in ${name} failed (${failure})${instead}`);
    });
