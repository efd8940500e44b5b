import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

/**
 * `npm run mutants [-- NAME …]`: for each promise a patch that breaks it; the test that it names must turn red.
 * With `--check` it only says whether every patch still applies.
 * A patch begins with `# promise: …` and `# test: FILE -t "TITLE"`. The work is done in a copy of HEAD.
 */
await prepare({ built: false });
const folder = join(root, 'test', 'mutants');
const checkOnly = process.argv.includes('--check');
const wanted = process.argv.slice(2).filter((argument) => argument !== '--check');
const patches = readdirSync(folder)
  .filter((file) => file.endsWith('.patch') && (wanted.length === 0 || wanted.some((name) => file.includes(name))))
  .sort();

if (checkOnly) {
  const stale = patches.filter(
    (patch) => spawnSync('git', ['apply', '--check', join(folder, patch)], { cwd: root }).status !== 0,
  );
  for (const patch of stale) console.error(`${patch} does not apply any more: make it anew`);
  process.exit(stale.length === 0 ? 0 : 1);
}

const copy = mkdtempSync(join(tmpdir(), 'berth-mutants-'));
const git = (...args) => execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
git('worktree', 'add', '--detach', '--force', copy, 'HEAD');
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

function header(text, key) {
  const line = text.split('\n').find((each) => each.startsWith(`# ${key}:`));
  if (line === undefined) throw new Error(`a mutant needs a line "# ${key}: …"`);
  return line.slice(key.length + 3).trim();
}

/** How many tests of that name passed and failed. */
function runTest(test) {
  const [, file, title] = /^(\S+)(?:\s+-t\s+"(.*)")?$/.exec(test) ?? [];
  if (file === undefined) throw new Error(`"${test}" is not of the form FILE -t "TITLE"`);
  const report = join(copy, 'mutant-report.json');
  const escaped = title?.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = [
    'run',
    file,
    ...(escaped === undefined ? [] : ['-t', escaped]),
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  spawnSync(process.execPath, [join(copy, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: copy,
    stdio: 'ignore',
    timeout: 300_000,
  });
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests };
  } finally {
    rmSync(report, { force: true });
  }
}

let survived = 0;
try {
  for (const patch of patches) {
    const path = join(folder, patch);
    const text = readFileSync(path, 'utf8');
    const test = header(text, 'test');
    const sound = runTest(test);
    execFileSync('git', ['apply', path], { cwd: copy });
    const mutated = runTest(test);
    execFileSync('git', ['apply', '-R', path], { cwd: copy });
    const caught = sound.failed === 0 && sound.passed > 0 && mutated.failed > 0;
    if (!caught) survived++;
    const detail = sound.failed > 0 ? 'its test is red without it' : sound.passed === 0 ? 'its test was not found' : '';
    console.log(`${caught ? 'caught  ' : 'SURVIVED'} ${patch}  promise ${header(text, 'promise')} ${detail}`);
  }
} finally {
  git('worktree', 'remove', '--force', copy);
}
console.log(`${patches.length - survived} caught, ${survived} survived`);
process.exit(survived === 0 ? 0 : 1);
