import { worldPath } from '@orgstream/e2e/scene';
import { freshDatabase } from '@orgstream/testkit';
import { readStackFile } from '@orgstream/world';
import { beforeAll, describe, expect, test } from 'vitest';
import { runMain, type CommandEnd } from './cli.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Settings that would do. */
let good: Env;

beforeAll(async () => {
  const file = await readStackFile(worldPath());
  good = {
    DATABASE_URL: file.postgresUrl,
    KAFKA_BROKERS: file.kafkaBrokers,
    REGISTRY_URL: file.registryUrl,
    ORGSTREAM_SECRET_KEY: file.secretKey,
    EDGE_PORT: '0',
    EDGE_PUBLIC_URL: file.edgeUrl,
  };
});

const nobody = '127.0.0.1:1';
const services = ['ziik-cdc', 'normalizer', 'learningbank-sink', 'notification-bridge', 'edge'] as const;
const withDatabase = ['ziik-cdc', 'learningbank-sink', 'notification-bridge', 'edge'] as const;

interface LastWords {
  readonly exitCode: number;
  readonly code: string;
  readonly msg: string;
  readonly remedy: string;
}

/** Starts a service that must not start; its last line. */
async function lastWords(service: string, env: Env): Promise<LastWords> {
  const end: CommandEnd = await runMain(`services/${service}/src/main.ts`, env);
  const text = `${end.stdout}${end.stderr}`.trim();
  const { code, msg, remedy } = JSON.parse(text.split('\n').at(-1)!) as LastWords;
  // One line of JSON for the operator: no stack, no secret.
  expect(text).not.toMatch(/ {4}at |\\n {4}at /);
  expect(text).not.toContain(String(good['ORGSTREAM_SECRET_KEY']));
  return { exitCode: end.exitCode, code, msg, remedy };
}

describe.concurrent.each(services)('%s refuses to start', (service) => {
  test('with settings missing or malformed, and names every one of them', async () => {
    const bad = { KAFKA_BROKERS: '', REGISTRY_URL: 'over there', OPS_PORT: '99999', LOG_LEVEL: 'chatty' };
    const { exitCode, code, msg } = await lastWords(service, { ...good, ...bad });
    expect({ exitCode, code }).toEqual({ exitCode: 2, code: 'CONFIG_INVALID' });
    expect(msg).toContain('KAFKA_BROKERS: is missing');
    for (const name of Object.keys(bad)) expect(msg).toContain(`${name}: `);
    expect(msg).not.toMatch(/over there|99999|chatty/);
  });
});

// Logins need no Kafka: edge is up without it, and its hooks answer 503.
describe.concurrent.each(services.filter((name) => name !== 'edge'))('%s refuses to start', (service) => {
  test('without a broker, and says where to look', async () => {
    expect(await lastWords(service, { ...good, KAFKA_BROKERS: nobody })).toMatchObject({
      exitCode: 1,
      code: 'KAFKA_UNREACHABLE',
      remedy: expect.stringContaining('KAFKA_BROKERS'),
    });
  });
});

describe.concurrent.each(['ziik-cdc', 'normalizer'] as const)('%s, which writes,', (service) => {
  test('refuses to start without the registry', async () => {
    expect(await lastWords(service, { ...good, REGISTRY_URL: `http://${nobody}` })).toMatchObject({
      exitCode: 1,
      code: 'REGISTRY_UNREACHABLE',
      remedy: expect.stringContaining('REGISTRY_URL'),
    });
  });
});

describe.concurrent.each(withDatabase)('%s and its database', (service) => {
  const at = (change: (url: URL) => void): Env => {
    const url = new URL(good['DATABASE_URL']!);
    change(url);
    return { ...good, DATABASE_URL: url.href };
  };

  test('a URL of something else', async () => {
    const { exitCode, msg } = await lastWords(service, { ...good, DATABASE_URL: 'mysql://localhost/x' });
    expect(exitCode).toBe(2);
    expect(msg).toContain('DATABASE_URL: must begin with postgres://');
  });

  test('nobody listens there', async () => {
    expect(
      await lastWords(
        service,
        at((url) => (url.host = nobody)),
      ),
    ).toMatchObject({
      exitCode: 1,
      code: 'POSTGRES_UNREACHABLE',
      remedy: expect.stringContaining('DATABASE_URL'),
    });
  });

  test('a wrong password is a bad setting', async () => {
    const { exitCode, code, msg } = await lastWords(
      service,
      at((url) => (url.password = 'wrong')),
    );
    expect({ exitCode, code }).toEqual({ exitCode: 2, code: 'CONFIG_INVALID' });
    expect(msg).toMatch(/DATABASE_URL: Postgres refuses it \(SQLSTATE 28P01\)/);
  });

  test('one that does not exist is a bad setting', async () => {
    const { exitCode, msg } = await lastWords(
      service,
      at((url) => (url.pathname = '/nowhere')),
    );
    expect(exitCode).toBe(2);
    expect(msg).toMatch(/DATABASE_URL: Postgres refuses it \(SQLSTATE 3D000\)/);
  });

  test('one that is not migrated: the command that does it', async () => {
    await using database = await freshDatabase('unmigrated', good['DATABASE_URL']!);
    const { exitCode, code, remedy } = await lastWords(service, { ...good, DATABASE_URL: database.url });
    expect({ exitCode, code, remedy }).toEqual({
      exitCode: 1,
      code: 'DATABASE_NOT_MIGRATED',
      remedy: 'run `orgstream migrate`',
    });
  });

  test.each([undefined, `dev:${'g'.repeat(64)}`])(
    'the secret key %j is refused, and not repeated',
    async (ORGSTREAM_SECRET_KEY) => {
      const { exitCode, msg } = await lastWords(service, { ...good, ORGSTREAM_SECRET_KEY });
      expect(exitCode).toBe(2);
      expect(msg).toContain('ORGSTREAM_SECRET_KEY: ');
      if (ORGSTREAM_SECRET_KEY) expect(msg).not.toContain(ORGSTREAM_SECRET_KEY);
    },
  );
});
