import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['berth-source'] },
  ssr: { resolve: { conditions: ['berth-source'] } },
  test: {
    include: ['apps/**/*.spec.ts', 'libs/**/*.spec.ts', 'migrations/**/*.spec.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
