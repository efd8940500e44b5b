import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/**
 * `npm run test:long [-- RUNS [FIRST_SEED]]`: what takes too long for `npm test`. 500 seeds of the simulation, from a seed
 * that the day gives, so that every day tries others; a run that breaks a promise prints its seed.
 */
const today = Math.floor(Date.now() / 86_400_000);
const [runs = '500', from = `${today * 1_000}`] = process.argv.slice(2);
console.log(`simulation: ${runs} seeds from ${from}`);
const { status } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), 'test/simulation'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, BERTH_SIMULATION_RUNS: runs, BERTH_SIMULATION_FROM: from },
});
process.exit(status ?? 1);
