import { spawnSync } from 'node:child_process';
import { prepare, root } from './prepare.mjs';

/** `npm run check`: all that can be said about the code without running it. Every step runs; the end names what failed. */
await prepare({ built: false });
const steps = [
  ['generated code', 'npm', ['run', '--silent', 'generate']],
  ['no diff in generated code', 'git', ['diff', '--exit-code', '--stat', '--', 'libs/contract/gen']],
  ['lint and format', 'npm', ['run', '--silent', 'lint']],
  ['proto format', 'npx', ['buf', 'format', '--diff', '--exit-code']],
  ['line as agents in the field speak it', 'npx', ['buf', 'breaking', '--against', 'test/skew/previous']],
  ['types', 'npm', ['run', '--silent', 'typecheck']],
  ['walls', 'npm', ['run', '--silent', 'walls']],
  ['mutants apply', process.execPath, ['scripts/mutants.mjs', '--check']],
  ['nothing unused', 'npm', ['run', '--silent', 'unused']],
];
const failed = steps.filter(([title, command, args]) => {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`.trimEnd());
  return status !== 0;
});
if (failed.length > 0) {
  console.error(`check: ${failed.map(([title]) => title).join(', ')} failed`);
  process.exit(1);
}
