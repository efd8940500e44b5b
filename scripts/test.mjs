import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

/** `npm test`: everything, on whatever this machine has. The last line counts: `N passed, N failed`. */
await prepare({ built: true });
if (!process.env.KUBEBUILDER_ASSETS)
  console.log('KUBEBUILDER_ASSETS is not set: what runs against real Kubernetes API servers is left out.');
const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
const report = join(folder, 'report.json');
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
  cwd: root,
  stdio: 'inherit',
});
const {
  numPassedTests = 0,
  numFailedTests = 0,
  numFailedTestSuites = 0,
  testResults = [],
} = JSON.parse(readFileSync(report, 'utf8'));
rmSync(folder, { recursive: true, force: true });
// A file that could not even be loaded has no failed test: it counts as one.
const unloaded = testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
).length;
const failed =
  numFailedTests + unloaded + (status !== 0 && numFailedTests + unloaded + numFailedTestSuites === 0 ? 1 : 0);
console.log(`${numPassedTests} passed, ${failed} failed`);
process.exit(status === 0 && failed === 0 ? 0 : 1);
