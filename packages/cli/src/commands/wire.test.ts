import type { Integration, Output, Run } from '@orgstream/control-api';
import { defaultSettings } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { Refusal, startFakeControl } from '../test-support/fake-control.ts';
import { against, file } from '../test-support/orgstream.ts';

const at = '2026-03-01T08:00:00.000Z';
const id = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';
const runId = '1f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a11';

const integration: Integration = {
  id,
  tenant: 'eu1.42',
  tenantName: 'nordkaeden',
  name: 'Academy',
  product: 'sync',
  platformUrl: 'https://acme.example/api/v1',
  platform: null,
  enabled: true,
  paused: false,
  shadow: false,
  generation: 7,
  settingsVersion: 3,
  preset: 'ziik',
  createdAt: at,
  state: 'live',
  code: null,
  message: null,
  firstSync: null,
  drift: null,
};

const run: Run = {
  id: runId,
  integration: id,
  tenant: 'eu1.42',
  kind: 'sync',
  scope: { all: true },
  state: 'done',
  isFirst: false,
  dryRun: false,
  needsApproval: false,
  paused: false,
  settingsVersion: 3,
  plannerVersion: 1,
  counts: { items: 2, deactivate: 2 },
  progress: { done: 2, total: 2, calls: 2 },
  code: null,
  message: null,
  requestedBy: 'ann',
  decidedBy: null,
  createdAt: at,
  plannedAt: at,
  startedAt: at,
  finishedAt: at,
  updatedAt: at,
};

const none = { items: [], next: null };
const one = { listIntegrations: () => ({ items: [integration], next: null }), getIntegration: () => integration };
const asked = (over: Partial<Run>): Output<'startRun'> => ({ command: 5, run: { ...run, ...over } });

describe('integration', () => {
  test('create sends what the options say, and prints the id alone', async () => {
    await using control = await startFakeControl({ createIntegration: () => ({ integration, findings: [] }) });
    const seen = await against(control)(
      'integration',
      'create',
      '--tenant',
      'eu1.42',
      '--url',
      'https://acme.example/api/v1/',
      '--review',
      '--unique-units',
      '--credentials',
      file({ username: 'u', password: 'p' }),
      '--settings',
      file({ updateJobProfile: false }), // prettier-ignore
    );
    expect(seen).toEqual({ code: 0, err: '', out: `{"id":"${id}"}\n` });
    expect(control.calls[0]).toMatchObject({
      token: 'ost_test',
      body: {
        tenant: 'eu1.42',
        name: 'Learningbank',
        product: 'sync',
        platformUrl: 'https://acme.example/api/v1',
        credentials: { username: 'u', password: 'p' },
        settings: { updateJobProfile: false, review: true, uniqueUnits: true },
      },
    });
  });

  test.each([
    [['enable'], { enabled: true }],
    [['disable'], { enabled: false }],
    [['pause'], { paused: true }],
    [['resume'], { paused: false }],
    [['shadow', 'on'], { shadow: true }],
    [['shadow', 'off'], { shadow: false }],
    [['set', '--name', 'Academy'], { name: 'Academy' }],
    [
      ['set', '--credentials', file({ username: 'u', password: 'new-word' })],
      { credentials: { username: 'u', password: 'new-word' } },
    ],
  ])('%j changes that one thing, under the ETag it has read', async (words, body) => {
    await using control = await startFakeControl({ ...one, changeIntegration: () => ({ ...integration, ...body }) });
    expect((await against(control)('integration', ...words, 'eu1.42')).code).toBe(0);
    expect(control.calls.at(-1)).toMatchObject({
      operation: 'changeIntegration',
      params: { integration: id },
      body,
      ifMatch: '7',
    });
  });

  test('a switch that somebody else was quicker with is tried again on what is there now', async () => {
    let generation = 7;
    await using control = await startFakeControl({
      ...one,
      getIntegration: () => ({ ...integration, generation }),
      changeIntegration: ({ ifMatch }) => {
        if (ifMatch === '8') return { ...integration, enabled: false };
        generation = 8;
        return new Refusal(412, 'PRECONDITION_FAILED', 'it was changed', 'Read it again.');
      },
    });
    const seen = await against(control)('integration', 'disable', id);
    expect(seen).toMatchObject({ code: 0, err: '', out: 'eu1.42 (Academy): disabled\n' });
  });

  test('remove asks, and without a terminal takes --yes', async () => {
    await using control = await startFakeControl({ ...one, removeIntegration: () => undefined });
    const orgstream = against(control);
    const refused = await orgstream('integration', 'remove', 'eu1.42');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/erase links, credentials and state of Academy.*--yes/);
    expect(control.calls.map(({ operation }) => operation)).not.toContain('removeIntegration');
    expect((await orgstream('integration', 'remove', 'eu1.42', '--yes')).code).toBe(0);
    expect(control.calls.at(-1)).toMatchObject({ operation: 'removeIntegration', ifMatch: '7' });
  });

  test('verify ends with 1 when something is an error', async () => {
    const findings = [
      { level: 'error' as const, code: 'TARGET_AUTH_FAILED', message: 'It refuses them.', remedy: 'Renew them.' },
    ];
    await using control = await startFakeControl({
      ...one,
      verifyIntegration: () => ({ ok: false, findings, proposed: { protectedEmails: ['owner@acme.example'] } }),
    });
    const { code, out } = await against(control)('integration', 'verify', 'eu1.42');
    expect(code).toBe(1);
    expect(out).toContain('error TARGET_AUTH_FAILED: It refuses them; renew them\n');
    expect(out).toContain('owner@acme.example');
  });
});

describe('which integration is meant', () => {
  test('a tenant without one is told so, with the next step', async () => {
    await using control = await startFakeControl({ listIntegrations: () => none });
    const { code, err } = await against(control)('sync', '--tenant', 'eu1.42');
    expect(code).toBe(1);
    expect(err).toBe(
      'orgstream: NOT_FOUND: tenant eu1.42 has no integration; `orgstream integration list` shows all\n',
    );
  });

  test('a tenant with two is asked about by their ids', async () => {
    const items = [integration, { ...integration, id: runId, name: 'Second' }];
    await using control = await startFakeControl({ listIntegrations: () => ({ items, next: null }) });
    const { code, err } = await against(control)('sync', '--tenant', 'eu1.42');
    expect(code).toBe(2);
    expect(err).toContain(`--integration, one of ${id} (Academy), ${runId} (Second)`);
  });
});

describe('settings', () => {
  test('pairs are JSON, dots go inside, and the edit is bound to what was read', async () => {
    await using control = await startFakeControl({
      ...one,
      getSettings: () => ({
        version: 3,
        newest: 4,
        settings: structuredClone(defaultSettings) as Output<'getSettings'>['settings'],
      }),
      changeSettings: () => ({ command: null, run: null }),
    });
    const edit = [
      'uniqueUnits=true',
      'filters.users.exclude=["a@b.example"]',
      'brake.delete={"count":5,"share":0.1,"dayShare":0.2}',
    ];
    const { code, out } = await against(control)('integration', 'settings', 'set', 'eu1.42', ...edit);
    expect({ code, out }).toEqual({ code: 0, out: 'in force; nothing was touched by it\n' });
    expect(control.calls.at(-1)).toMatchObject({
      operation: 'changeSettings',
      ifMatch: '3-4',
      body: {
        uniqueUnits: true,
        filters: { users: { exclude: ['a@b.example'] } },
        brake: { delete: { count: 5, share: 0.1, dayShare: 0.2 } },
      },
    });
  });

  test('a dry run starts a settings run with the edit, and changes nothing', async () => {
    await using control = await startFakeControl({
      ...one,
      startRun: () => asked({ kind: 'settings', dryRun: true }),
      getRun: () => ({ ...run, kind: 'settings', dryRun: true }),
    });
    const argv = [
      'integration',
      'settings',
      'set',
      'eu1.42',
      'filters.users.exclude=["a@b.example"]',
      'preset=standard',
      '--dry-run',
    ];
    const { code, out } = await against(control)(...argv);
    expect(code).toBe(0);
    expect(out).toContain('(dry run)');
    const started = control.calls.find(({ operation }) => operation === 'startRun');
    expect(started?.body).toEqual({
      kind: 'settings',
      scope: { all: true },
      dryRun: true,
      settings: { filters: { users: { exclude: ['a@b.example'] } }, preset: 'standard' },
    });
    expect(control.calls.map(({ operation }) => operation)).not.toContain('changeSettings');
  });
});

describe('runs', () => {
  test.each<[readonly string[], unknown]>([
    [['sync', '--tenant', 'eu1.42'], { kind: 'sync', scope: { all: true }, dryRun: false }],
    [
      ['sync', '--tenant', 'eu1.42', '--person', '7', '--dry-run'],
      { kind: 'sync', scope: { kind: 'person', id: '7' }, dryRun: true },
    ],
    [['drift', '--tenant', 'eu1.42', '--no-wait'], { kind: 'drift', scope: { all: true }, dryRun: false }],
    [
      ['drift', '--tenant', 'eu1.42', '--unit', '12', '--no-wait'],
      { kind: 'drift', scope: { kind: 'unit', id: '12' }, dryRun: false },
    ],
    [['undo', '--integration', id, '--run', runId, '--yes'], { kind: 'undo', scope: { run: runId }, dryRun: false }],
    [['undo', '--integration', id, '--role', '3'], { kind: 'undo', scope: { kind: 'role', id: '3' }, dryRun: false }],
    [['rebuild', '--tenant', 'eu1.42', '--yes'], { kind: 'rebuild', scope: { all: true }, dryRun: false }],
  ])('%j starts that run', async (argv, body) => {
    await using control = await startFakeControl({ ...one, startRun: () => asked({}), getRun: () => run });
    expect((await against(control)(...argv)).code).toBe(0);
    expect(control.calls.find(({ operation }) => operation === 'startRun')?.body).toEqual(body);
  });

  test.each([
    ['rebuild', '--tenant', 'eu1.42'],
    ['undo', '--tenant', 'eu1.42', '--run', runId],
  ])('%s asks before it starts anything', async (...argv) => {
    await using control = await startFakeControl(one);
    const { code, err } = await against(control)(...argv);
    expect(code).toBe(2);
    expect(err).toContain('--yes');
    expect(control.calls.map(({ operation }) => operation)).not.toContain('startRun');
  });

  test('a gap report says what was missed, and then what brings it into step', async () => {
    const counts = {
      left: 3,
      move: 15,
      items: 33,
      moved: 15,
      create: 9,
      parked: 1,
      created: 9,
      deleted: 0,
      deactivate: 3,
    };
    const gap: Run = { ...run, kind: 'gap', state: 'planned', needsApproval: true, counts, progress: {} };
    await using control = await startFakeControl({ ...one, getRun: () => gap });
    const { out } = await against(control)('run', 'show', runId);
    expect(out.split('\n').slice(1, 3)).toEqual([
      'missed: created 9, moved 15, left 3',
      'plan: items 33, parked 1, move 15, create 9, deactivate 3',
    ]);
  });

  test('enabling says where the gap report is', async () => {
    await using control = await startFakeControl({ ...one, changeIntegration: () => integration });
    const { out } = await against(control)('integration', 'enable', 'eu1.42');
    expect(out).toContain(`the gap report: \`orgstream run list --integration ${id} --kind gap\``);
  });

  test.each<[string, Partial<Run>, number, RegExp]>([
    ['done', {}, 0, /done\nplan: items 2, deactivate 2\nprogress: 2 of 2/],
    ['waits for approval', { state: 'planned', needsApproval: true }, 3, /next: `orgstream run approve/],
    [
      'failed',
      { state: 'failed', code: 'RUN_SETTINGS_CHANGED', message: 'they were changed' },
      1,
      /RUN_SETTINGS_CHANGED: they were changed\n.*\n.*\nnext: start it again/i,
    ],
    ['cancelled', { state: 'cancelled' }, 1, /cancelled/],
  ])('a run that is %s ends the command accordingly', async (_, over, exitCode, text) => {
    await using control = await startFakeControl({
      ...one,
      startRun: () => asked({ state: 'planning' }),
      getRun: () => ({ ...run, ...over }),
    });
    const { code, out } = await against(control)('sync', '--tenant', 'eu1.42', '--wait');
    expect(out).toMatch(text);
    expect(code).toBe(exitCode);
  });

  test('a run of which only held objects are left ends with 3', async () => {
    const item = {
      no: 1,
      kind: 'person' as const,
      id: '7',
      name: null,
      operations: [],
      before: null,
      after: null,
      hash: 'h',
      code: 'BRAKE_TRIPPED',
      detail: null,
    };
    await using control = await startFakeControl({
      ...one,
      startRun: () => asked({ state: 'applying' }),
      getRun: () => ({ ...run, state: 'applying' }),
      listRunItems: ({ query }) =>
        query['state'] === 'held' ? { items: [{ ...item, state: 'held' }], next: null } : none,
    });
    const { code, out } = await against(control)('sync', '--tenant', 'eu1.42', '--wait');
    expect(code).toBe(3);
    expect(out).toContain('--state held');
  });

  test('a sink that answers later is waited for; the run is the one its command names', async () => {
    let looks = 0;
    const command = {
      id: 5,
      addressee: 'learningbank-sink',
      kind: 'run.start',
      code: null,
      message: null,
      createdAt: at,
      updatedAt: at,
    };
    await using control = await startFakeControl({
      ...one,
      startRun: () => ({ command: 5, run: null }),
      getCommand: () => ({
        ...command,
        ...(++looks < 3 ? { state: 'running', result: null } : { state: 'done', result: { run: runId } }),
      }),
      getRun: () => run,
    });
    const { code, out } = await against(control)('sync', '--tenant', 'eu1.42', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: runId });
  });

  test('a time-out ends with 75 and says that it goes on', async () => {
    await using control = await startFakeControl({
      ...one,
      startRun: () => asked({ state: 'planning' }),
      getRun: () => ({ ...run, state: 'planning' }),
    });
    const { code, err } = await against(control)('sync', '--tenant', 'eu1.42', '--wait', '--timeout', '1');
    expect(code).toBe(75);
    expect(err).toMatch(/COMMAND_UNANSWERED: run .* is not finished after 1 s; it goes on; look again/);
  });

  test('watch --json is a line for each change, and the last is how it ended', async () => {
    let looks = 0;
    await using control = await startFakeControl({
      getRun: () => ({ ...run, state: ++looks < 4 ? 'planning' : 'done' }),
    });
    const { code, out } = await against(control)('run', 'watch', runId, '--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Run).state);
    expect({ code, lines }).toEqual({ code: 0, lines: ['planning', 'done'] });
  });

  test('approve sends the items with the hashes that were looked at', async () => {
    await using control = await startFakeControl({ decideRun: () => asked({ state: 'applying' }) });
    const orgstream = against(control);
    await orgstream('run', 'approve', runId, '--item', 'person/7@0abc12', 'unit/12');
    expect(control.calls[0]?.body).toEqual({
      decision: 'approve',
      items: [
        { kind: 'person', id: '7', hash: '0abc12' },
        { kind: 'unit', id: '12' },
      ],
    });
    await orgstream('run', 'reject', runId, '--operation', 'deactivate');
    expect(control.calls[1]?.body).toEqual({ decision: 'reject', operation: 'deactivate' });
  });

  test('what control refuses is one sentence with its remedy', async () => {
    await using control = await startFakeControl({
      decideRun: () => new Refusal(409, 'RUN_STATE', 'approving: the run is done.', 'Look with `orgstream run show`.'),
    });
    const { code, err } = await against(control)('run', 'approve', runId);
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orgstream: RUN_STATE: approving: the run is done; look with `orgstream run show`\n',
    });
  });

  test('list follows the pages, and merges integrations and replays, newest first', async () => {
    const older = { ...run, id, createdAt: '2026-02-01T08:00:00.000Z' };
    const replay: Run = {
      ...run,
      id: '2f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a12',
      kind: 'replay',
      tenant: null,
      integration: null,
      createdAt: '2026-02-15T08:00:00.000Z',
    };
    await using control = await startFakeControl({
      ...one,
      listRuns: ({ query }) => (query['cursor'] === 'c' ? { items: [older], next: null } : { items: [run], next: 'c' }),
      listReplays: () => ({ items: [replay], next: null }),
    });
    const { out } = await against(control)('run', 'list', '--json');
    expect((JSON.parse(out) as Run[]).map((each) => each.id)).toEqual([runId, replay.id, older.id]);
  });
});

describe('objects', () => {
  test('what was refused of a decision is named, and ends with 1', async () => {
    const refused = [{ kind: 'person', id: '404', code: 'NOT_FOUND', message: 'no such object' }];
    const result = { done: 1, refused, refusedTotal: 1 };
    await using control = await startFakeControl({
      ...one,
      actOnObjects: () => ({ command: 9, state: 'done', result }),
    });
    const seen = await against(control)('objects', 'approve', 'person/7', 'person/404', '--tenant', 'eu1.42');
    expect(seen).toMatchObject({
      code: 1,
      out: 'approve: 1 done, 1 refused\n  person/404  NOT_FOUND: no such object\n',
    });
  });

  const done: Output<'actOnObjects'> = { command: 9, state: 'done', result: { done: 1 } };

  test.each<[readonly string[], unknown]>([
    [['approve', '--operation', 'deactivate'], { action: 'approve', operation: 'deactivate' }],
    [['reject', '--all'], { action: 'reject', all: true }],
    [
      ['release', 'person/7', 'unit/12'],
      {
        action: 'release',
        objects: [
          { kind: 'person', id: '7' },
          { kind: 'unit', id: '12' },
        ],
      },
    ],
    [
      ['adopt', 'person/7', '--target', '1042'],
      { action: 'adopt', objects: [{ kind: 'person', id: '7' }], targetId: 1042 },
    ],
    [['create-new', 'role/3'], { action: 'create_new', objects: [{ kind: 'role', id: '3' }] }],
    [
      ['move-link', 'person/7@0abc12', '--target', '5'],
      { action: 'move_link', objects: [{ kind: 'person', id: '7', hash: '0abc12' }], targetId: 5 },
    ],
    [['detach', 'unit/12'], { action: 'detach', objects: [{ kind: 'unit', id: '12' }] }],
  ])('%j asks for that', async (argv, body) => {
    await using control = await startFakeControl({ ...one, actOnObjects: () => done });
    const seen = await against(control)('objects', ...argv, '--tenant', 'eu1.42');
    expect(seen).toMatchObject({ code: 0, err: '' });
    expect(control.calls.at(-1)?.body).toEqual(body);
  });

  test('alone it lists', async () => {
    await using control = await startFakeControl({ ...one, listObjects: () => none });
    expect(await against(control)('objects', '--tenant', 'eu1.42', '--state', 'held')).toMatchObject({
      code: 0,
      out: 'no such object\n',
    });
    expect(control.calls.at(-1)?.query).toMatchObject({ state: 'held', limit: 200 });
  });
});

describe('commands of services', () => {
  const command = { id: 4, addressee: 'x', kind: 'replay', createdAt: at, updatedAt: at };

  test('replay of an integration is of its tenant, waits, and prints the result', async () => {
    await using control = await startFakeControl({
      ...one,
      startReplay: () => ({ command: 4, state: 'running', result: null }),
      getCommand: () => ({ ...command, state: 'done', result: { records: 3 }, code: null, message: null }),
    });
    const { out, err } = await against(control)('replay', '--integration', id, '--from', '2026-03-01', '--json');
    expect({ out, err }).toEqual({ out: '{"command":4,"result":{"records":3}}\n', err: '' });
    expect(control.calls.find(({ operation }) => operation === 'startReplay')?.body).toEqual({
      what: 'facts',
      tenant: 'eu1.42',
      from: at.replace('08', '00'),
    });
  });

  test("a service's own code is the error", async () => {
    await using control = await startFakeControl({
      snapshotSource: () => ({ command: 4, state: 'new', result: null }),
      getCommand: () => ({
        ...command,
        state: 'failed',
        result: null,
        code: 'TENANT_UNKNOWN',
        message: 'eu1 has no site 42',
      }),
    });
    const { code, err } = await against(control)('snapshot', '--tenant', 'eu1.42');
    expect(code).toBe(1);
    expect(err).toMatch(/^orgstream: TENANT_UNKNOWN: eu1 has no site 42; [^\n]+\n$/);
    expect(control.calls[0]).toMatchObject({ params: { source: 'eu1' }, body: { tenant: 'eu1.42' } });
  });

  test('--no-wait returns the command', async () => {
    await using control = await startFakeControl({
      snapshotSource: () => ({ command: 4, state: 'new', result: null }),
    });
    const seen = await against(control)('snapshot', '--source', 'eu1', '--no-wait', '--json');
    expect(seen).toEqual({ code: 0, out: '{"command":4}\n', err: '' });
    expect(control.calls[0]?.body).toEqual({});
  });

  test('erase and the stop button send what they say', async () => {
    const stop = { stopped: true, reason: 'why', changedBy: 'ann', changedAt: at };
    await using control = await startFakeControl({
      ...one,
      setStop: () => stop,
      erasePerson: () => ({ command: 1, state: 'done', result: {} }),
    });
    const orgstream = against(control);
    await orgstream('pause', '--all', '--reason', 'why');
    expect(control.calls.at(-1)?.body).toEqual({ stopped: true, reason: 'why' });
    await orgstream('erase', '--tenant', 'eu1.42', '--person', 'person/7', '--yes');
    expect(control.calls.at(-1)?.body).toEqual({ tenant: 'eu1.42', person: '7' });
  });
});

describe('tokens', () => {
  test('the secret alone is on standard output', async () => {
    const token = {
      id,
      name: 'x',
      role: 'viewer' as const,
      tenants: ['eu1.42'],
      person: null,
      createdBy: null,
      createdAt: at,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
    };
    await using control = await startFakeControl({ createToken: () => ({ ...token, secret: 'ost_new' }) });
    const { out, code } = await against(control)(
      'token',
      'create',
      '--name',
      'x',
      '--role',
      'viewer',
      '--tenants',
      'eu1.42',
    );
    expect({ out, code }).toEqual({ out: 'ost_new\n', code: 0 });
    expect(control.calls[0]?.body).toEqual({ name: 'x', role: 'viewer', tenants: ['eu1.42'] });
  });

  test('a refused token says where the first one comes from', async () => {
    await using control = await startFakeControl({
      listTokens: () => new Refusal(401, 'TOKEN_REFUSED', 'logging in: unknown', 'Set ORGSTREAM_TOKEN.'),
    });
    const { code, err } = await against(control)('token', 'list');
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orgstream: TOKEN_REFUSED: logging in: unknown; set ORGSTREAM_TOKEN\n',
    });
  });
});
