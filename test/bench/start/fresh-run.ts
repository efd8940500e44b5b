import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from './demo-run.js';

export interface FreshRun {
  seconds: number;
  commit: string;
  /** The last lines that it printed. */
  tail: string;
}

/** Clones the committed state and runs `npm run demo -- --once` there: installs, builds, runs, deletes, ends. */
export function runFresh(): FreshRun {
  const folder = mkdtempSync(join(tmpdir(), 'berth-fresh-'));
  const clone = join(folder, 'berth');
  try {
    execFileSync('git', ['clone', '--quiet', projectRoot, clone], { stdio: ['ignore', 'ignore', 'inherit'] });
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: clone, encoding: 'utf8' }).trim();
    const startedAt = performance.now();
    const demo = spawnSync('npm', ['run', 'demo', '--', '--once'], { cwd: clone, encoding: 'utf8', timeout: 600_000 });
    const seconds = (performance.now() - startedAt) / 1000;
    if (demo.status !== 0)
      throw new Error(`the demo of a fresh clone ended with ${demo.status}:\n${demo.stdout}${demo.stderr}`);
    return { seconds, commit, tail: demo.stdout.trimEnd().split('\n').slice(-3).join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
