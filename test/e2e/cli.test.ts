import { readdir, readFile, rm, writeFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generateOrganisation, hire, renamePerson } from '@orgstream/simulator-ziik';
import { countCalls, createPlatform } from '@orgstream/world';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orgstream, type CliResult } from './orgstream-cli.ts';
import { worldPath } from './scene.ts';
import { openSmallScene, type SmallScene } from './small-site.ts';

let scene: SmallScene;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'orgstream-cli-'));
  scene = await openSmallScene();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function credentialsFile(name: string, content: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** One sentence for a person: no stack trace, no secret. */
function expectCalm({ stdout, stderr }: CliResult, ...secrets: readonly string[]): void {
  expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
  expect(`${stdout}${stderr}`).not.toMatch(/node:internal|\.ts:\d+/);
  for (const secret of secrets) expect(`${stdout}${stderr}`).not.toContain(secret);
}

const create = (tenant: string, url: string, credentials: string): readonly string[] => [
  'integration',
  'create',
  '--tenant',
  tenant,
  '--url',
  url,
  '--credentials',
  credentials,
];

describe('orgstream, the real binary', () => {
  test('source list names the source and its slot, and no URL', async () => {
    const { source, ziikPostgresUrl } = await scene.file();
    const { exitCode, stdout } = await orgstream(['source', 'list', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ name: source, state: 'running', code: null }]);
    expect(stdout).not.toContain(ziikPostgresUrl);
  });

  test('integration create prints the id, and the first sync starts by itself', async () => {
    const { learningbankSimUrl, source } = await scene.file();
    const { siteId } = await generateOrganisation(scene.ziik, { seed: 9, units: 5, people: 8, withoutEmail: 0 });
    const platform = await createPlatform(learningbankSimUrl, { name: 'CLI', rateLimitPerMinute: 0 });
    const file = await credentialsFile('good.json', platform.credentials);
    const result = await orgstream(create(`${source}.${siteId}`, platform.url, file));
    expectCalm(result, platform.credentials.password, platform.credentials.token);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const { id } = JSON.parse(result.stdout) as { id: string };
    const converged = async (): Promise<boolean> => {
      const { stdout } = await orgstream(['status', '--json']);
      const status = JSON.parse(stdout) as { integrations: readonly { id: string; converged: boolean }[] };
      return status.integrations.find((one) => one.id === id)?.converged === true;
    };
    await until(converged, { deadlineMs: 30_000, what: 'status --json to say converged' });
    const again = await orgstream(create(`${source}.${siteId}`, platform.url, file));
    expect(again).toMatchObject({ exitCode: 1, stdout: '' });
    expect(again.stderr).toMatch(/ALREADY_EXISTS/);
    expectCalm(again, platform.credentials.password, platform.credentials.token);
  });

  test('credentials may come from standard input', async () => {
    const { learningbankSimUrl, source } = await scene.file();
    const { siteId } = await generateOrganisation(scene.ziik, { seed: 10, units: 3, people: 3, withoutEmail: 0 });
    const platform = await createPlatform(learningbankSimUrl, { name: 'CLI', rateLimitPerMinute: 0 });
    const result = await orgstream(create(`${source}.${siteId}`, platform.url, '-'), {
      input: JSON.stringify(platform.credentials),
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('an integration for the login only imports nobody', async () => {
    const { learningbankSimUrl } = await scene.file();
    const platform = await createPlatform(learningbankSimUrl, { name: 'Login', rateLimitPerMinute: 0 });
    const file = await credentialsFile('login.json', platform.credentials);
    const result = await orgstream([...create(scene.joined.tenant, platform.url, file), '--product', 'login']);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    // Creating it looks at the platform; what follows is what is tested.
    const before = await countCalls(await scene.file(), platform);
    // A change that goes through to the other platform has been seen by both integrations.
    await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Ida Sofie' });
    await scene.prove();
    expect(await scene.user(scene.person('ida'))).toMatchObject({ firstName: 'Ida Sofie' });
    const { reads, writes } = before;
    expect(await countCalls(await scene.file(), platform)).toMatchObject({ reads, writes });
    expect(writes).toBe(0);
  });

  test('while a change is on its way, status says not converged', async () => {
    await scene.fault({ kind: 'latency', match: { method: 'POST', route: '/users' }, ms: 4_000, count: 1 });
    await hire(scene.ziik, scene.siteId, {
      firstName: 'On',
      lastName: 'The way',
      email: 'way@kaeden.example',
      memberships: [{ unitId: scene.unit('Nord') }],
    });
    const seen = async (): Promise<boolean> => {
      const { stdout } = await orgstream(['status', '--json']);
      const status = JSON.parse(stdout) as {
        integrations: readonly { id: string; converged: boolean; people: { outstanding: number } }[];
      };
      const own = status.integrations.find((one) => one.id === scene.joined.integration);
      return own?.converged === false && own.people.outstanding === 1;
    };
    await until(seen, { deadlineMs: 15_000, what: 'one person outstanding' });
    await scene.prove();
  });

  test('status for a person names tenant, what is parked and the lag of each hop', async () => {
    const result = await orgstream(['status']);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(scene.joined.tenant);
    expect(result.stdout).toMatch(/normalizer/);
    expect(result.stdout).toMatch(/WAL retained/);
    expectCalm(result, scene.email('ida'));
  });
});

describe('what does not fit is refused with one sentence', () => {
  const url = 'https://acme.example/api/v1';

  test.each<[string, () => Promise<readonly string[]>, number, RegExp]>([
    ['no command', () => Promise.resolve([]), 2, /Usage/],
    ['an unknown command', () => Promise.resolve(['synchronise']), 2, /unknown command/],
    ['a missing option', () => Promise.resolve(['integration', 'create']), 2, /--tenant/],
    [
      'a tenant key that is none',
      async () => create('42', url, await credentialsFile('a.json', {})),
      2,
      /--tenant: 42 is not <source>\.<site id>/,
    ],
    ['a URL that is none', async () => create('eu1.1', 'acme', await credentialsFile('b.json', {})), 2, /--url/],
    [
      'a credentials file that is not there',
      () => Promise.resolve(create('eu1.1', url, join(directory, 'absent.json'))),
      2,
      /absent\.json cannot be read/,
    ],
    [
      'a credentials file that is not JSON',
      async () => create('eu1.1', url, await credentialsFile('c.json', 'username: hush-hush')),
      2,
      /not JSON/,
    ],
    [
      'credentials without a password',
      async () => create('eu1.1', url, await credentialsFile('d.json', { username: 'hush-hush' })),
      2,
      /password/,
    ],
    [
      'credentials with a field too many',
      async () => create('eu1.1', url, await credentialsFile('e.json', { username: 'u', password: 'hush-hush', x: 1 })),
      2,
      /\bx\b/,
    ],
    [
      'an unknown source',
      async () => create('nowhere.1', url, await credentialsFile('f.json', { username: 'u', password: 'hush-hush' })),
      1,
      /SOURCE_UNKNOWN/,
    ],
    ['a snapshot of nothing', () => Promise.resolve(['snapshot']), 2, /--source or --tenant/],
    [
      'a snapshot of a site that is not there',
      () => Promise.resolve(['snapshot', '--tenant', 'eu1.999999']),
      1,
      /TENANT_UNKNOWN/,
    ],
    [
      'a snapshot of an unknown source',
      () => Promise.resolve(['snapshot', '--source', 'nowhere', '--timeout', '15']),
      1,
      /SOURCE_UNKNOWN/,
    ],
    [
      'a source URL that is none',
      () => Promise.resolve(['source', 'add', '--name', 'x', '--url', 'mysql://u:hush-hush@h/d']),
      2,
      /--url/,
    ],
  ])('%s', async (_title, args, exitCode, message) => {
    const result = await orgstream(await args());
    expect(result.stderr || result.stdout).toMatch(message);
    expect(result.exitCode).toBe(exitCode);
    expectCalm(result, 'hush-hush');
  });

  test.each<[string, Readonly<Record<string, string>>, readonly string[], number, RegExp]>([
    ['Postgres does not answer', { DATABASE_URL: 'postgres://u:hush-hush@127.0.0.1:1/x' }, ['migrate'], 75, /Postgres/],
    ['control does not answer', { ORGSTREAM_URL: 'http://127.0.0.1:1' }, ['status'], 75, /CONTROL_UNREACHABLE/],
    [
      'control refuses the token',
      { ORGSTREAM_TOKEN: 'hush-hush' },
      ['status'],
      1,
      /TOKEN_REFUSED.*token create --local/,
    ],
    ['Kafka does not answer', { KAFKA_BROKERS: '127.0.0.1:1' }, ['topics', 'apply'], 75, /KAFKA_UNREACHABLE/],
    [
      'the registry does not answer',
      { REGISTRY_URL: 'http://127.0.0.1:1' },
      ['schemas', 'check'],
      75,
      /REGISTRY_UNREACHABLE/,
    ],
    ['a setting is malformed', { DATABASE_URL: 'hush-hush' }, ['migrate'], 2, /DATABASE_URL/],
    ['the URL of control is none', { ORGSTREAM_URL: 'hush-hush' }, ['status'], 2, /ORGSTREAM_URL/],
    [
      'the secret key is malformed',
      { ORGSTREAM_SECRET_KEY: 'hush-hush' },
      ['source', 'add', '--name', 'x', '--url', 'postgres://x'],
      2,
      /ORGSTREAM_SECRET_KEY/,
    ],
  ])('%s: the right exit code', async (_title, env, args, exitCode, message) => {
    const result = await orgstream(args, { env });
    expect(result.stderr).toMatch(message);
    expect(result.exitCode).toBe(exitCode);
    expectCalm(result, 'hush-hush');
  });
});

describe('logs', () => {
  test('no name, e-mail, password or token in the log of any service', async () => {
    const logs = join(dirname(worldPath()), 'logs');
    const services = ['ziik-cdc', 'normalizer', 'learningbank-sink', 'control'];
    const names = (await readdir(logs)).filter((name) => services.some((service) => name.startsWith(service)));
    expect(names.length).toBeGreaterThanOrEqual(4);
    const { learningbankSimUrl } = await scene.file();
    const platforms = (await (await fetch(`${learningbankSimUrl}/_sim/platforms`)).json()) as readonly {
      credentials: Readonly<Record<string, string>>;
    }[];
    const secrets = platforms.flatMap(({ credentials }) => [credentials['password']!, credentials['token']!]);
    for (const name of names) {
      const text = await readFile(join(logs, name), 'utf8');
      expect(text.length, name).toBeGreaterThan(0);
      expect(text.match(/[\w.+-]+@[\w-]+\.(example|invalid)/g) ?? [], name).toEqual([]);
      expect(
        secrets.filter((secret) => text.includes(secret)),
        name,
      ).toEqual([]);
      expect(text, name).not.toMatch(/"(first_?name|last_?name|email|password|authorization)":/i);
      expect(text, name).not.toContain('Holm');
    }
  });
});
