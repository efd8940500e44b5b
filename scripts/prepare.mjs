import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What every script needs first: the right Node, the packages of the lock file, a build that is not older than its sources. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** Ends with one clear line on a Node that is too old. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`berth: Node ${process.versions.node} is too old; 20.19 or newer is needed`);
  process.exit(1);
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command in the project's folder and ends with its exit code when it fails. Asked to end meanwhile, it hands
 * the signal on and ends only after the command has, so that nothing goes on behind the shell's next prompt.
 */
export async function run(command, args) {
  let asked;
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
  const handOn = (signal) => {
    asked ??= signal;
    child.kill(signal);
  };
  for (const signal of endings) process.on(signal, handOn);
  const { code, signal } = await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`berth: ${command} could not be started: ${error.message}`);
      resolve({ code: 1 });
    });
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  for (const each of endings) process.off(each, handOn);
  const ended = asked ?? signal;
  if (ended) process.exit(128 + (constants.signals[ended] ?? 0));
  if (code !== 0) process.exit(code);
}

/** A program that a package installed, run by this very Node. */
export const runBin = (name, args) => run(process.execPath, [join(root, 'node_modules', '.bin', name), ...args]);

function newest(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(found.mtimeMs, ...readdirSync(path).map((entry) => newest(join(path, entry))));
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** One at a time over processes: two demos started at once neither install nor build over each other. */
async function locked(work) {
  const lock = join(root, '.berth', 'prepare.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
      if (holder !== 0 && !isAlive(holder)) rmSync(lock, { force: true });
      else await rest(200);
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release); // `run` ends the process when its command fails
  try {
    await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function install() {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.berth-installed');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const byHand = statSync(join(root, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (byHand < statSync(lock).mtimeMs) {
    console.error('berth: installing packages from the npm registry …');
    await run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  writeFileSync(stamp, wanted);
}

const sources = [
  'apps',
  'libs',
  'migrations',
  'test/bench',
  'test/kubernetes',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

async function build() {
  const stamp = join(root, 'dist', '.built');
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > Math.max(...sources.map((path) => newest(join(root, path))))) return;
  console.error('berth: building …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await runBin('tsc', ['-p', 'tsconfig.build.json']);
  writeFileSync(stamp, '');
}

export async function prepare({ built }) {
  checkNode();
  await locked(async () => {
    await install();
    if (built) await build();
  });
}
