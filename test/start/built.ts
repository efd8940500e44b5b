import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The product as it is delivered, built in a folder of its own: `dist` may be older, or somebody else's. */
export interface BuiltApps {
  /** Runs an app's main.js with this environment and nothing else, to its end. */
  run(app: string, env: Readonly<Record<string, string>>): Promise<Ended>;
  /** Path of an app's main.js. */
  mainOf(app: string): string;
  close(): Promise<void>;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const patienceMs = 30_000;

function runToEnd(main: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main], { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.stdout.on('data', (text) => {
      ended.stdout += text;
    });
    child.stderr.on('data', (text) => {
      ended.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ ...ended, code });
    });
  });
}

export async function buildApps(): Promise<BuiltApps> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-start-'));
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const arguments_ = [tsc, '-p', 'tsconfig.build.json', '--sourceMap', 'false', '--outDir', join(folder, 'dist')];
  const built = spawnSync(process.execPath, arguments_, { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}`);
  const mainOf = (app: string) => join(folder, 'dist/apps', app, 'main.js');
  return {
    run: (app, env) => runToEnd(mainOf(app), folder, env),
    mainOf,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
