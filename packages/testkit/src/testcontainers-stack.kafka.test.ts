import { describe, expect, test } from 'vitest';
import { clusterMembers } from './kafka-probe.ts';
import { run } from './run.ts';
import { freshDatabase } from './shared-stack.ts';
import { startStack } from './stack.ts';

const engine = (await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })).ok;

describe('STACK=testcontainers', () => {
  test.skipIf(engine)('without an engine it names STACK=embedded and what that needs', async () => {
    await expect(startStack({ env: { STACK: 'testcontainers' }, say: () => {} })).rejects.toMatchObject({
      code: 'STACK_UNAVAILABLE',
      message: expect.stringMatching(/STACK=embedded, which needs Java 17.*Maven/),
    });
  });

  test.skipIf(!engine)('with an engine the three parts answer', { timeout: 600_000 }, async () => {
    await using stack = await startStack({ env: { STACK: 'testcontainers' }, say: () => {} });
    expect(await clusterMembers(stack.kafkaBrokers)).toEqual([stack.kafkaBrokers]);
    expect((await fetch(`${stack.registryUrl}/subjects`)).status).toBe(200);
    await using database = await freshDatabase('containers', stack.postgresUrl);
    expect(database.url).toContain(database.name);
  });
});
