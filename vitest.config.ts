import { defineConfig } from 'vitest/config';

const integration = ['**/*.pg.test.ts', '**/*.kafka.test.ts'];
const stack = ['./packages/testkit/src/vitest-global-setup.ts'];
const world = ['./test/world/src/vitest-global-setup.ts'];
const ownWorld = 'test/fault/own-world.test.ts';
const ignored = ['**/node_modules/**', '.orgstream/**'];

/**
 * Kinds of tests, told apart by file name and folder; `--project unit` runs one of them. The first that needs
 * Postgres, Kafka and the registry starts one stack for the whole run (packages/testkit).
 */
export default defineConfig({
  test: {
    // A whole stack and the services under test share the machine with the workers.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ignored, ...integration, 'test/e2e/**', 'test/fault/**', 'test/load/**'],
        },
      },
      {
        test: {
          name: 'integration',
          include: integration,
          exclude: [...ignored, 'test/e2e/**', 'test/fault/**', 'test/load/**'],
          globalSetup: stack,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/fault/**/*.test.ts'],
          exclude: [...ignored, ownWorld],
          globalSetup: world,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // One file after the other: each drives whole services.
          fileParallelism: false,
        },
      },
      {
        test: {
          // What breaks everybody's parts has a world of its own, and mostly waits: it runs beside the others.
          name: 'own-world',
          include: [ownWorld],
          exclude: ignored,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
