import { defaultBrake } from '@orgstream/core';
import { deactivate, hire, renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orgstream, type CliResult } from './orgstream-cli.ts';
import { openSmallScene, type PersonName, type SmallScene } from './small-site.ts';

let scene: SmallScene;
beforeAll(async () => {
  scene = await openSmallScene({ settings: { brake: defaultBrake } });
});
afterAll(async () => {
  await orgstream(['resume', '--all']);
  await scene[Symbol.asyncDispose]();
});

const soon = { deadlineMs: 60_000, intervalMs: 300 };
const own = (): readonly string[] => ['--integration', scene.joined.integration];

/** Runs a command that must end so, and returns its JSON. */
async function json<T>(args: readonly string[], exitCode = 0): Promise<T> {
  const result = await orgstream([...args, '--json']);
  expect({ exitCode: result.exitCode, args, stderr: exitCode === 0 ? '' : result.stderr }).toEqual({
    exitCode,
    args,
    stderr: exitCode === 0 ? '' : result.stderr,
  });
  return JSON.parse(result.stdout) as T;
}

interface Run {
  readonly id: string;
  readonly state: string;
  readonly kind: string;
  readonly counts: Readonly<Record<string, number>>;
}
interface Item {
  readonly kind: string;
  readonly id: string;
  readonly state: string;
  readonly hash: string;
  readonly code: string | null;
  readonly operations: readonly string[];
}

const objects = (...args: readonly string[]): Promise<readonly Item[]> => json(['objects', ...own(), ...args]);
const active = async (name: PersonName): Promise<boolean | undefined> =>
  (await scene.user(scene.person(name)))?.isActive;

/** Refused in one sentence. */
function expectRefusal({ exitCode, stderr, stdout }: CliResult, code: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^orgstream: [^\n]+\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
}

describe("an operator's day", () => {
  test('switched off, changed, switched on: the gap is shown, then synchronised', async () => {
    const { integration } = scene.joined;
    expect(await json(['integration', 'disable', integration])).toMatchObject({ enabled: false });
    await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Idun' });
    await deactivate(scene.ziik, scene.siteId, scene.person('omar'));
    await until(async () => (await scene.work()).length >= 2, { ...soon, what: 'two marks of the gap' });
    expectRefusal(await orgstream(['sync', ...own()]), 1, /NOT_SENDING/);
    await json(['integration', 'enable', integration]);
    const gap = await until(
      async () => (await json<readonly Run[]>(['run', 'list', ...own(), '--kind', 'gap', '--state', 'planned']))[0],
      { ...soon, what: 'the gap report' },
    );
    const items = await json<readonly Item[]>(['run', 'items', gap.id]);
    expect(items.map(({ id }) => id).toSorted()).toEqual([scene.person('ida'), scene.person('omar')].toSorted());
    expect((await scene.user(scene.person('ida')))?.firstName).toBe('Ida');
    expect(await json(['sync', ...own(), '--wait'])).toMatchObject({ id: gap.id, state: 'done' });
    await scene.prove();
    expect(await active('omar')).toBe(false);
  });

  test('a bad import is held; one is approved by its hash, the rest rejected, and why says so', async () => {
    const leavers = ['pia', 'jan', 'eva', 'ali', 'bo', 'lis', 'kai'] as const;
    await scene.ziik.query('update users set active = false where site_id = $1 and id = any($2::bigint[])', [
      scene.siteId,
      leavers.map((name) => scene.person(name)),
    ]);
    const held = await until(
      async () => {
        const found = await objects('--state', 'held', '--operation', 'deactivate');
        return found.length === leavers.length ? found : undefined;
      },
      { ...soon, what: 'seven held leavers' },
    );
    for (const name of leavers) expect(await active(name)).toBe(true);
    const [first] = held;
    expectRefusal(
      await orgstream(['objects', 'approve', `person/${first!.id}@0123456789abcdef`, ...own()]),
      1,
      /ITEM_CHANGED/,
    );
    await json(['objects', 'approve', `person/${first!.id}@${first!.hash}`, ...own()]);
    await until(async () => (await scene.user(first!.id))?.isActive === false, {
      ...soon,
      what: 'the approved leaver',
    });
    await json(['objects', 'reject', '--operation', 'deactivate', ...own()]);
    const rejected = await objects('--state', 'held', '--code', 'REJECTED');
    expect(rejected).toHaveLength(leavers.length - 1);
    const why = await orgstream(['why', scene.joined.integration, `person/${rejected[0]!.id}`]);
    expect(why.exitCode).toBe(0);
    expect(why.stdout).toMatch(/REJECTED/);
    expect(why.stdout).toMatch(/desired +applied +observed/);
    await scene.ziik.query('update users set active = true where site_id = $1 and id = any($2::bigint[])', [
      scene.siteId,
      leavers.map((name) => scene.person(name)),
    ]);
    await scene.prove();
  });

  test('an edit of settings that touches many is shown first; approved, then undone', async () => {
    const planned = await json<Run>(
      ['integration', 'settings', 'set', scene.joined.integration, 'uniqueUnits=true'],
      3,
    );
    expect(planned).toMatchObject({ kind: 'settings', state: 'planned', counts: { rename: 7 } });
    expect((await scene.department(scene.unit('Nord')))?.name).toBe('Nord');
    await json(['run', 'approve', planned.id]);
    const done = await json<Run>(['run', 'show', planned.id]).then(() => orgstream(['run', 'watch', planned.id]));
    expect(done.exitCode).toBe(0);
    expect((await scene.department(scene.unit('Nord')))?.name).toBe(`Nord (${scene.unit('Nord')})`);
    expectRefusal(await orgstream(['run', 'approve', planned.id]), 1, /RUN_STATE/);
    expectRefusal(await orgstream(['undo', ...own(), '--run', planned.id]), 2, /--yes/);
    const undo = await json<Run>(['undo', ...own(), '--run', planned.id, '--yes'], 3);
    expect(undo).toMatchObject({ kind: 'undo', state: 'planned' });
    await json(['run', 'cancel', undo.id]);
    const versions = await json<readonly { version: number }[]>(['integration', 'settings', 'versions', scene.joined.integration]); // prettier-ignore
    expect(versions.length).toBe(2);
    const back = await json<Run>(
      ['integration', 'settings', 'rollback', scene.joined.integration, '--version', '1'],
      3,
    );
    await json(['run', 'approve', back.id]);
    await until(async () => (await scene.department(scene.unit('Nord')))?.name === 'Nord', { ...soon, what: 'the old names' }); // prettier-ignore
    await scene.prove();
  });

  test('the stop button stops all sending, says so everywhere, and lets go', async () => {
    await json(['pause', '--all', '--reason', 'a trial']);
    await renamePerson(scene.ziik, scene.siteId, scene.person('mia'), { firstName: 'Mie' });
    await until(async () => (await scene.work()).length === 1, { ...soon, what: 'the mark' });
    expect((await orgstream(['status'])).stdout).toContain('STOPPED by');
    expect((await orgstream(['doctor'])).stdout).toContain('a trial');
    expect((await scene.user(scene.person('mia')))?.firstName).toBe('Mia');
    await json(['resume', '--all']);
    await scene.prove();
    await json(['pause', ...own()]);
    expect(await json(['integration', 'show', scene.joined.integration])).toMatchObject({ paused: true });
    await json(['resume', ...own()]);
  });

  test('dry runs and reports change nothing', async () => {
    expect(await json(['sync', ...own(), '--dry-run'])).toMatchObject({ state: 'done', dryRun: true });
    expect(await json(['drift', ...own(), '--dry-run'])).toMatchObject({ state: 'done', kind: 'drift' });
    expect(await json(['replay', ...own()])).toMatchObject({ command: expect.any(Number), result: { changed: 0 } });
    expect(await json(['snapshot', '--tenant', scene.joined.tenant])).toMatchObject({ result: { failed: 0 } });
    expect(await json(['integration', 'verify', scene.joined.integration])).toMatchObject({ ok: true });
    await scene.prove();
  });

  test('a person is erased on --yes only, and stays so', async () => {
    const email = 'gone@kaeden.example';
    const { personId } = await hire(scene.ziik, scene.siteId, {
      firstName: 'Gone',
      lastName: 'Soon',
      email,
      memberships: [{ unitId: scene.unit('Nord') }],
    });
    await scene.converge();
    const args = ['erase', '--tenant', scene.joined.tenant, '--person', String(personId)];
    expectRefusal(await orgstream(args), 2, /--yes/);
    await json([...args, '--yes']);
    expectRefusal(await orgstream(['why', scene.joined.integration, `person/${personId}`]), 1, /NOT_FOUND/);
  });
});

describe('who may see what', () => {
  test('a token bound to another tenant finds nothing, and may not do what its role does not allow', async () => {
    const created = await json<{ secret: string; id: string }>(['token', 'create', '--name', 'other', '--role', 'operator', '--tenants', 'eu1.999999']); // prettier-ignore
    const env = { ORGSTREAM_TOKEN: created.secret };
    const as = (...args: readonly string[]): Promise<CliResult> => orgstream(args, { env });
    expectRefusal(await as('integration', 'show', scene.joined.integration), 1, /NOT_FOUND/);
    expectRefusal(await as('why', scene.joined.integration, `person/${scene.person('ida')}`), 1, /NOT_FOUND/);
    expectRefusal(await as('sync', '--tenant', scene.joined.tenant), 1, /NOT_FOUND/);
    expectRefusal(await as('snapshot', '--tenant', scene.joined.tenant), 1, /NOT_FOUND/);
    expectRefusal(await as('pause', '--all'), 1, /ROLE_TOO_LOW/);
    expectRefusal(await as('token', 'list'), 1, /ROLE_TOO_LOW/);
    expect((await as('integration', 'list', '--json')).stdout).toBe('[]\n');
    await json(['token', 'revoke', created.id, '--yes']);
    expectRefusal(await as('integration', 'list'), 1, /TOKEN_REFUSED/);
  });

  test('the first token is made by way of the database, and the audit names who did what', async () => {
    const { secret } = await json<{ secret: string }>(['token', 'create', '--local', '--name', 'by hand']);
    const result = await orgstream(['integration', 'pause', scene.joined.integration], { env: { ORGSTREAM_TOKEN: secret } }); // prettier-ignore
    expect(result.exitCode).toBe(0);
    await json(['integration', 'resume', scene.joined.integration]);
    const entries = await json<readonly { actor: string; action: string; outcome: string }[]>(['audit', ...own()]);
    expect(entries).toContainEqual(expect.objectContaining({ actor: 'by hand', action: 'changeIntegration', outcome: 'ok' })); // prettier-ignore
  });
});

const unknownId = '00000000-0000-4000-8000-000000000000';

describe('what is not there is said so', () => {
  test.each([
    [['integration', 'show', unknownId]],
    [['integration', 'remove', unknownId, '--yes']],
    [['integration', 'settings', 'get', unknownId]],
    [['sync', '--integration', unknownId]],
    [['objects', '--integration', unknownId]],
    [['run', 'show', unknownId]],
    [['run', 'approve', unknownId]],
    [['run', 'watch', unknownId]],
    [['token', 'revoke', unknownId]],
    [['why', unknownId, 'person/7']],
    [['erase', '--tenant', 'eu1.999999', '--person', '7', '--yes']],
    [['source', 'remove', 'nowhere', '--yes']],
  ])('%j', async (args) => {
    expectRefusal(await orgstream(args), 1, /NOT_FOUND|SOURCE_UNKNOWN|TENANT_UNKNOWN/);
  });

  test('a source with integrations is not removed', async () => {
    const { source } = await scene.file();
    expectRefusal(await orgstream(['source', 'remove', source, '--yes']), 1, /ACTION_NOT_POSSIBLE.*integration remove/);
  });
});

test('an integration is removed on --yes, Learningbank stays as it is, and connecting it again adopts', async () => {
  await using other = await openSmallScene();
  const { integration, platform, tenant } = other.joined;
  const before = await other.target();
  expectRefusal(await orgstream(['integration', 'remove', integration]), 2, /--yes/);
  await json(['integration', 'remove', integration, '--yes']);
  expectRefusal(await orgstream(['integration', 'show', integration]), 1, /NOT_FOUND/);
  expect((await other.target()).users).toEqual(before.users);
  const again = await orgstream(
    ['integration', 'create', '--tenant', tenant, '--url', platform.url, '--credentials', '-'],
    { input: JSON.stringify(platform.credentials) },
  );
  const { id } = JSON.parse(again.stdout) as { id: string };
  await until(async () => (await json<Run[]>(['run', 'list', '--integration', id, '--state', 'done'])).length > 0, { ...soon, what: 'the first sync' }); // prettier-ignore
  expect((await other.target()).users).toHaveLength(before.users.length);
});

test('doctor finds nothing broken, and says in JSON what it looked at', async () => {
  const { findings } = await json<{ findings: readonly { area: string; level: string; message: string }[] }>([
    'doctor',
  ]);
  const areas = ['node', 'settings', 'postgres', 'kafka', 'generation', 'registry', 'control', 'sources', 'services', 'integrations', 'chat', 'login']; // prettier-ignore
  expect(new Set(findings.map(({ area }) => area))).toEqual(new Set(areas));
  // Channels and issuers are other tests' too, who break them on purpose.
  const others = findings.filter(({ area }) => !['chat', 'login'].includes(area));
  expect(others.filter(({ level }) => level === 'broken')).toEqual([]);
  expect(findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^edge answers at /));
});
