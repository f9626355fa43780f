import { createDatabase, migrate } from '@orgstream/database';
import { freshDatabase } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { platformLeases } from './lease-store.ts';

test('all leases are renewed at once; what another owner took or we gave back is not ours', async () => {
  await using database = await freshDatabase('lease');
  const db = createDatabase(database.url, { max: 2 });
  try {
    await migrate(db);
    const store = platformLeases(db);
    const leases = [];
    for (const platform of ['kept', 'taken', 'given']) {
      await db.raw(`insert into sink.platform (id, base_url) values (?, 'http://localhost')`, [platform]);
      leases.push({ key: platform, token: (await store.take({ key: platform, owner: 'one', leaseMs: 60_000 }))! });
    }
    await store.release(leases[2]!);
    await store.release(leases[1]!);
    await store.take({ key: 'taken', owner: 'two', leaseMs: 60_000 });
    expect(await store.renew({ leases, leaseMs: 120_000 })).toEqual(new Set(['kept']));
    const { rows } = await db.raw<{ rows: { id: string }[] }>(
      `select id from sink.platform where lease_until > now() + interval '90 s'`,
    );
    expect(rows).toEqual([{ id: 'kept' }]);
    expect(await store.renew({ leases: [], leaseMs: 1 })).toEqual(new Set());
  } finally {
    await db.destroy();
  }
});
