import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

/** `npm run bench -- NAME [--json]` */
await prepare({ built: true });
await run(process.execPath, ['--expose-gc', join(root, 'dist/test/bench/main.js'), ...process.argv.slice(2)]);
