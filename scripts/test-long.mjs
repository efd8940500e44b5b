import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/**
 * `npm run test:long [-- RUNS [FIRST_SEED]]`: what takes too long for `npm test`. 500 seeds of the simulation, and a fiftieth as
 * many runs of the fault suite, each with many faults; from a seed that the day gives, so that every day tries others. A run
 * that breaks a promise prints its seed.
 */
const today = Math.floor(Date.now() / 86_400_000);
const [runs = '500', from = `${today * 1_000}`] = process.argv.slice(2);

function passes(path, env) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), path], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status === 0;
}

console.log(`simulation: ${runs} seeds from ${from}`);
let isWell = passes('test/simulation', { BERTH_SIMULATION_RUNS: runs, BERTH_SIMULATION_FROM: from });
for (let run = 0; run < Number(runs) / 50; run++) {
  const seed = `${Number(from) + run}`;
  console.log(`faults: seed ${seed}`);
  isWell = passes('test/faults', { BERTH_SEED: seed, BERTH_FAULT_ROUNDS: '40' }) && isWell;
}
process.exit(isWell ? 0 : 1);
