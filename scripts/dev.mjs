import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

/** `npm run dev`: the demo, ended and started anew when a source file changes. */
let demo;
let ending = false;

function start() {
  demo = spawn(process.execPath, [join(root, 'scripts/demo.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
  demo.on('exit', () => {
    if (ending) process.exit(0);
  });
}

let pending;
function restart() {
  clearTimeout(pending);
  pending = setTimeout(() => {
    const old = demo;
    if (old.exitCode !== null) return start();
    old.once('exit', start);
    old.kill('SIGTERM');
  }, 300);
}

for (const folder of ['apps', 'libs', 'migrations', 'examples'])
  watch(join(root, folder), { recursive: true }, (_, file) => {
    if (file !== null && /\.(ts|yaml)$/.test(file) && !/\.(spec|suite)\.ts$/.test(file)) restart();
  });
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    ending = true;
    demo.kill(signal);
  });
start();
