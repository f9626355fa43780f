import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { areFilesCached } from './embedded/files.ts';
import { installedJava } from './embedded/java.ts';
import { descendants, isAlive } from './fixtures/alive.ts';
import { spawnProcess } from './process.ts';
import { until } from './until.ts';

const canEmbed = areFilesCached() && ((await installedJava()) ?? 0) >= 17;

test.skipIf(!canEmbed)(
  'a stack whose parent is killed by SIGKILL ends with every process, its folder goes',
  async () => {
    const main = fileURLToPath(new URL('./fixtures/parent-of-stack.ts', import.meta.url));
    await using parent = await spawnProcess({ name: 'parent', command: process.execPath, args: [main] });
    const seen = await until(() => !parent.running || /^\{.*\}$/m.exec(parent.output())?.[0], {
      deadlineMs: 50_000,
      what: () => `the parent's stack:\n${parent.output()}`,
    });
    const { children, folder } = JSON.parse(String(seen)) as { children: number[]; folder: string };
    // PostgreSQL's own children lead sessions of their own: a signal to the server's group would miss them.
    const all = [...children, ...children.flatMap(descendants)];
    expect(children).toHaveLength(3);
    expect(all.length).toBeGreaterThan(6);
    expect(all.filter(isAlive)).toEqual(all);
    expect(existsSync(folder)).toBe(true);

    process.kill(parent.pid, 'SIGKILL');
    const left = (): number[] => all.filter(isAlive);
    await until(() => left().length === 0, { deadlineMs: 10_000, what: () => `the end of ${left().join(', ')}` });
    await until(() => !existsSync(folder), { deadlineMs: 5_000, what: 'the data to be removed' });
  },
);
