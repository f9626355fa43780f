import { countCalls } from '@orgstream/world';
import { describe, expect, test } from 'vitest';
import { openScene } from './scene.ts';

describe('first sync', () => {
  test('units, roles and people of a generated organisation arrive, at most 1.2 calls a person', async () => {
    await using scene = await openScene({
      organisation: { units: 40, people: 400, withoutEmail: 0.01 },
      platform: { jobProfiles: ['Store manager'] },
    });
    await scene.prove();
    const { reads, writes } = await countCalls(await scene.file(), scene.joined.platform);
    expect((reads + writes) / 400).toBeLessThanOrEqual(1.2);
  });

  test('Unique Units: equal names stand side by side, told apart by the unit id', async () => {
    await using scene = await openScene({
      organisation: { equalSiblings: 0.5, units: 20 },
      settings: { uniqueUnits: true },
    });
    await scene.prove();
    expect((await scene.work()).filter((w) => w.code === 'DEPARTMENT_NAME_TAKEN')).toEqual([]);
  });

  test('Unique Units off: the second of two equal siblings is parked, everything else arrives', async () => {
    await using scene = await openScene({ organisation: { equalSiblings: 0.5, units: 20 } });
    await scene.prove();
    expect((await scene.work()).some((w) => w.code === 'DEPARTMENT_NAME_TAKEN')).toBe(true);
  });

  test('people without an e-mail are parked with EMAIL_MISSING and hold nobody up', async () => {
    await using scene = await openScene({ organisation: { withoutEmail: 0.5 } });
    await scene.prove();
    expect((await scene.work()).filter((w) => w.code === 'EMAIL_MISSING').length).toBeGreaterThan(5);
  });
});
