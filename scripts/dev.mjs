import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/** `npm run dev`: the demo, ended and started anew when a source file changes. */
let demo;
let pending;
let ending = false;
let restarting = false;

const hasEnded = () => demo.exitCode !== null || demo.signalCode !== null;

function start() {
  if (ending) process.exit(0);
  restarting = false;
  demo = spawn(process.execPath, [join(root, 'scripts/demo.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
  demo.on('exit', () => {
    if (ending) process.exit(0);
  });
}

function restart() {
  clearTimeout(pending);
  pending = setTimeout(() => {
    if (restarting) return; // the demo to come reads this change too
    if (hasEnded()) return start();
    restarting = true;
    demo.once('exit', start);
    demo.kill('SIGTERM');
  }, 300);
}

for (const folder of ['apps', 'libs', 'migrations', 'examples'])
  watch(join(root, folder), { recursive: true }, (_, file) => {
    if (file !== null && /\.(ts|yaml)$/.test(file) && !/\.(spec|suite)\.ts$/.test(file)) restart();
  });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    ending = true;
    clearTimeout(pending);
    if (hasEnded()) process.exit(0);
    demo.kill(signal);
  });
start();
