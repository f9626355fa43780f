import { createCodec } from '@orgstream/kafka';
import { defaultBrake, tenantKey, topics } from '@orgstream/core';
import { openScene, type Scene } from '@orgstream/e2e/scene';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { deactivate, hardDelete, renamePerson } from '@orgstream/simulator-ziik';
import { startService, until } from '@orgstream/testkit';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { orgstream } from '../cli.ts';
import { expectNoSecondCreate, waitForCode } from '../evidence.ts';
import { holdTable } from '../hold.ts';
import type { OwnWorld } from '../own-world.ts';
import { writeRecord } from '../records.ts';

let own: OwnWorld;

const slot = 'orgstream_eu1';
const soon = { deadlineMs: 60_000, intervalMs: 100 };

interface SourceState {
  readonly state: string;
  readonly code: string | null;
  readonly message: string | null;
}

async function sourceOf({ database }: Scene): Promise<SourceState> {
  const { rows } = await database.query<SourceState>('select state, code, message from cdc.source');
  return rows[0]!;
}

async function waitHalted(scene: Scene, code: string): Promise<SourceState> {
  await until(
    async () => {
      const source = await sourceOf(scene);
      return source.state === 'halted' && source.code === code;
    },
    { ...soon, what: `the source to halt with ${code}` },
  );
  return sourceOf(scene);
}

/** What `orgstream status` says of the source, and whether it takes this scene for being in step. */
async function statusOf(scene: Scene): Promise<{ readonly code: string | null; readonly converged: boolean }> {
  const { stdout } = await orgstream(own.world.serviceEnv, 'status', '--json');
  const { sources, integrations } = JSON.parse(stdout) as {
    readonly sources: readonly { readonly code: string | null }[];
    readonly integrations: readonly { readonly id: string; readonly converged: boolean }[];
  };
  const { converged } = integrations.find(({ id }) => id === scene.joined.integration)!;
  return { code: sources[0]!.code, converged };
}

const inactive = async (scene: Scene): Promise<number> =>
  (await scene.target()).users.filter(({ isActive }) => !isActive).length;

async function snapshotAll(): Promise<void> {
  const { exitCode, stderr } = await orgstream(own.world.serviceEnv, 'snapshot', '--source', 'eu1');
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
}

/** What happens while nobody listens: somebody is gone without a trace, somebody left, somebody has another name. */
async function changeUnseen(scene: SmallScene): Promise<void> {
  const { ziik, siteId } = scene;
  await hardDelete(ziik, siteId, scene.person('pia'));
  await deactivate(ziik, siteId, scene.person('omar'));
  await renamePerson(ziik, siteId, scene.person('ida'), { firstName: 'Idun' });
}

async function expectSwept(scene: SmallScene): Promise<void> {
  await scene.prove();
  expect((await scene.user(scene.person('pia')))?.isActive).toBe(false);
  expect((await scene.user(scene.person('ida')))?.firstName).toBe('Idun');
  expect(await inactive(scene)).toBe(2);
}

/** What holds when a source has lost something: nobody is removed by it, and it goes on by a command or by being mended. */
export function sourceLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });
  afterEach(async () => {
    // A test that failed leaves the others a source that streams.
    for (const name of ['ziik-cdc', 'learningbank-sink']) await own.world.supervisor.resume(name);
    const { stdout } = await orgstream(own.world.serviceEnv, 'source', 'list', '--json');
    if ((JSON.parse(stdout) as readonly SourceState[])[0]?.state === 'halted') await snapshotAll();
  });

  describe('what was lost is read again, on command only, and nobody is removed before', () => {
    test('the slot is dropped while ziik-cdc is down: SLOT_LOST until `orgstream snapshot --source`', async () => {
      await using scene = await openSmallScene();
      await own.world.supervisor.pause('ziik-cdc');
      await until(() => scene.ziik.query('select pg_drop_replication_slot($1)', [slot]), { ...soon, what: 'the drop' });
      await changeUnseen(scene);
      await own.world.supervisor.resume('ziik-cdc');
      expect((await waitHalted(scene, 'SLOT_LOST')).message).toContain('orgstream snapshot --source');
      expect(await statusOf(scene)).toEqual({ code: 'SLOT_LOST', converged: false });
      await own.kill('ziik-cdc');
      await waitHalted(scene, 'SLOT_LOST');
      expect(await inactive(scene)).toBe(0);
      await snapshotAll();
      await expectSwept(scene);
    });

    test('the publication is dropped under a running stream: PUBLICATION_MISSING', async () => {
      await using scene = await openSmallScene();
      await scene.ziik.query(`drop publication ${slot}`);
      await changeUnseen(scene);
      await waitHalted(scene, 'PUBLICATION_MISSING');
      expect(await statusOf(scene)).toEqual({ code: 'PUBLICATION_MISSING', converged: false });
      expect(await inactive(scene)).toBe(0);
      await snapshotAll();
      await expectSwept(scene);
    });

    test('a snapshot of one tenant alone does not bring a lost slot back', async () => {
      await using scene = await openSmallScene();
      await own.world.supervisor.pause('ziik-cdc');
      await until(() => scene.ziik.query('select pg_drop_replication_slot($1)', [slot]), { ...soon, what: 'the drop' });
      await own.world.supervisor.resume('ziik-cdc');
      await waitHalted(scene, 'SLOT_LOST');
      const refused = await orgstream(own.world.serviceEnv, 'snapshot', '--tenant', scene.joined.tenant);
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('SLOT_LOST') });
      await snapshotAll();
      await scene.prove();
    });
  });

  test('a table is truncated: a snapshot finds nobody, the brake holds it, and everybody stays', async () => {
    await using scene = await openSmallScene({ settings: { brake: defaultBrake } });
    const held = `select count(*)::int as n from sink.work where integration_id = $1 and state = 'held' and code = 'BRAKE_TRIPPED'`;
    await scene.ziik.query('create table kept as select * from users; truncate users');
    await until(async () => (await scene.database.query(held, [scene.joined.integration])).rows[0]?.n === 10, {
      ...soon,
      what: 'ten leavers to be held',
    });
    expect(await inactive(scene)).toBe(0);
    await scene.ziik.query('insert into users select * from kept; drop table kept');
    await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Idun' });
    await scene.prove();
    expect(await inactive(scene)).toBe(0);
    expect(await sourceOf(scene)).toMatchObject({ state: 'running', code: null });
  });

  test('a snapshot whose reader is killed goes on where it was, and is proved', async () => {
    let hold: AsyncDisposable | undefined;
    await using scene = await openScene({
      unsynced: true,
      organisation: { people: 60 },
      before: async () => {
        hold = await holdTable(own.source.url, 'memberships');
      },
    });
    const snapshots = async () =>
      (
        await scene.database.query<{ id: string; state: string; rows: number }>(
          'select id, state, rows_sent::int as rows from cdc.snapshot where tenant = $1',
          [scene.joined.tenant],
        )
      ).rows;
    {
      await using _ = hold!;
      const half = await until(async () => (await snapshots()).find(({ rows }) => rows > 60), {
        ...soon,
        what: 'the people to be sent',
      });
      await own.kill('ziik-cdc');
      expect(await snapshots()).toMatchObject([{ id: half.id, state: 'running' }]);
    }
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect(await snapshots()).toMatchObject([{ state: 'done' }]);
    expect(own.world.supervisor.handle('ziik-cdc')?.output()).toContain('"resumed":true');
    const judged = 'select state from sink.snapshot where tenant = $1';
    expect((await scene.database.query(judged, [scene.joined.tenant])).rows).toEqual([{ state: 'proved' }]);
  });

  test('a snapshot whose counts do not hold removes nobody', async () => {
    await using scene = await openSmallScene();
    const { tenant, siteId } = scene.joined;
    const file = await scene.file();
    const codec = createCodec({ registryUrl: file.registryUrl });
    await codec.prepare(topics.ziikChanges, ['ziik.SnapshotMarker']);
    const { rows } = await scene.database.query<{ epoch: string; lsn: string }>(
      'select epoch, published_lsn as lsn from cdc.source',
    );
    const position = { epoch: Number(rows[0]!.epoch), lsn: Number(rows[0]!.lsn), seq: 0, last: true };
    for (const phase of ['start', 'end'] as const) {
      const chunks = phase === 'end' ? [{ no: 1, kind: 'person', rows: 10 }] : [];
      const marker = {
        siteId: Number(siteId),
        position,
        committedAtMs: Date.now(),
        snapshotId: 'empty',
        phase,
        chunks,
      };
      const value = codec.encode(topics.ziikChanges, 'ziik.SnapshotMarker', marker);
      await writeRecord(file, { topic: topics.ziikChanges, tenant, key: `${tenant}/snapshot/empty/${phase}`, value });
    }
    const judged = `select state, detail->>'reason' as reason from sink.snapshot where snapshot_id = 'empty'`;
    await until(async () => (await scene.database.query(judged)).rows[0]?.state === 'unproved', {
      ...soon,
      what: 'judged',
    });
    await scene.prove();
    expect(await inactive(scene)).toBe(0);
  });

  test('a replica identity without the tenant halts the source with the statement that mends it', async () => {
    await using scene = await openSmallScene();
    await scene.ziik.query('alter table users replica identity default');
    await own.kill('ziik-cdc');
    const { message } = await waitHalted(scene, 'REPLICA_IDENTITY_LACKS_TENANT');
    const statement = /ALTER TABLE .*$/.exec(message!)![0];
    await scene.ziik.query(statement);
    await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Idun' });
    await scene.prove();
  });

  describe('a wrong ORGSTREAM_SECRET_KEY', () => {
    const wrong = () => ({ ...own.world.serviceEnv, ORGSTREAM_SECRET_KEY: `other:${'0'.repeat(64)}` });

    test('of ziik-cdc halts its sources, visibly; the right one goes on where they were', async () => {
      await using scene = await openSmallScene();
      await own.world.supervisor.pause('ziik-cdc');
      {
        await using _ = await startService({ name: 'ziik-cdc', env: wrong() });
        await waitHalted(scene, 'SECRET_UNREADABLE');
      }
      await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Idun' });
      await own.world.supervisor.resume('ziik-cdc');
      await scene.prove();
    });

    test('of the sink stops its integrations, visibly, and parks nothing; the right one goes on', async () => {
      await using scene = await openSmallScene();
      await own.world.supervisor.pause('learningbank-sink');
      {
        await using _ = await startService({ name: 'learningbank-sink', env: wrong() });
        await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Idun' });
        await waitForCode(scene, 'SECRET_UNREADABLE');
        expect(await scene.parked()).toEqual({});
      }
      await own.world.supervisor.resume('learningbank-sink');
      await scene.prove();
    });
  });

  test('a tenant that the source does not have is refused by name', async () => {
    const { exitCode, stderr } = await orgstream(
      own.world.serviceEnv,
      'snapshot',
      '--tenant',
      tenantKey('eu1', 999_999),
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('TENANT_UNKNOWN') });
  });
}
