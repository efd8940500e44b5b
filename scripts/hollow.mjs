import { prepare } from './prepare.mjs';

/** `npm run hollow -- NAME`: one hollow cluster of its own. */
await prepare({ built: true });
await import('../dist/apps/local/hollow.js');
