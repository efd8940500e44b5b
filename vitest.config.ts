import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };

/** Tests run on the source of every lib, also where vitest's own set-up files import them. */
const alias = Object.entries(manifest.imports).map(([name, target]) => ({
  find: new RegExp(`^${name}$`),
  replacement: join(import.meta.dirname, target['berth-source']),
}));

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['apps/**/*.spec.ts', 'libs/**/*.spec.ts', 'migrations/**/*.spec.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/setup/postgres.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
