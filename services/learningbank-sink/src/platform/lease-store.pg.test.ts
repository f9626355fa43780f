import { createDatabase, migrate } from '@orgstream/database';
import { freshDatabase } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { releaseLease, renewLeases, takeLease } from './lease-store.ts';

test('all leases are renewed at once; what another owner took or we gave back is not ours', async () => {
  await using database = await freshDatabase('lease');
  const db = createDatabase(database.url, { max: 2 });
  try {
    await migrate(db);
    const leases = [];
    for (const platform of ['kept', 'taken', 'given']) {
      await db.raw(`insert into sink.platform (id, base_url) values (?, 'http://localhost')`, [platform]);
      leases.push({ platform, token: (await takeLease(db, { platform, owner: 'one', leaseMs: 60_000 }))! });
    }
    await releaseLease(db, leases[2]!);
    await releaseLease(db, leases[1]!);
    await takeLease(db, { platform: 'taken', owner: 'two', leaseMs: 60_000 });
    expect(await renewLeases(db, { leases, leaseMs: 120_000 })).toEqual(new Set(['kept']));
    const { rows } = await db.raw<{ rows: { id: string }[] }>(
      `select id from sink.platform where lease_until > now() + interval '90 s'`,
    );
    expect(rows).toEqual([{ id: 'kept' }]);
    expect(await renewLeases(db, { leases: [], leaseMs: 1 })).toEqual(new Set());
  } finally {
    await db.destroy();
  }
});
