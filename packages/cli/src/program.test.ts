import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { run } from './program.ts';

/** Runs a command line and returns what a person sees. */
async function orgstream(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; err: string }> {
  const seen = { out: '', err: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((seen.out += String(text)), true));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((seen.err += String(text)), true));
  try {
    return { code: await run(argv, env, mkdtempSync(join(tmpdir(), 'orgstream-cli-'))), ...seen };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const settings = {
  DATABASE_URL: 'postgres://nobody:hidden-word@127.0.0.1:1/none',
  KAFKA_BROKERS: '127.0.0.1:1',
  REGISTRY_URL: 'http://127.0.0.1:1',
  ORGSTREAM_SECRET_KEY: `k:${'0'.repeat(64)}`,
};

function file(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'orgstream-cli-')), 'credentials.json');
  writeFileSync(path, content);
  return path;
}

describe('orgstream', () => {
  test('--help names every command and the exit codes', async () => {
    const { code, out } = await orgstream(['--help']);
    expect(code).toBe(0);
    for (const word of [
      'migrate',
      'topics',
      'schemas',
      'source',
      'integration',
      'snapshot',
      'replay',
      'status',
      'Exit codes',
    ])
      expect(out).toContain(word);
  });

  test.each([
    [['status'], /ORGSTREAM_URL: is missing.*npm run dev/],
    [['migrate'], /DATABASE_URL: is missing.*npm run dev/],
    [['nonsense'], /unknown command/],
    [['integration', 'create', '--tenant', 'eu1.42'], /--url|--credentials/],
    [['topics', 'apply', '--partitions', '0'], /whole number of at least 1/],
    [['snapshot'], /give either --source or --tenant/],
    [['replay', '--tenant', '42'], /<source>\.<site id>, for example eu1\.42/],
  ])('%j without what it needs ends with 2 and says what to do', async (argv, message) => {
    const { code, err } = await orgstream(argv);
    expect(code).toBe(2);
    expect(err.replaceAll('\n', ' ')).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test.each([
    ['not json', /is not JSON/],
    ['{"username":"a","password":"b","tokn":"c"}', /look at tokn/],
    ['{"username":"a"}', /look at password/],
  ])('credentials %j are refused by field, never by value', async (content, message) => {
    const argv = [
      'integration',
      'create',
      '--tenant',
      'eu1.42',
      '--url',
      'https://x.example/api/v1',
      '--credentials',
      file(content),
    ];
    const { code, err } = await orgstream(argv, settings);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('a tenant key or a URL that is none is refused before anything is asked', async () => {
    const argv = (tenant: string, url: string): string[] => [
      'integration',
      'create',
      '--tenant',
      tenant,
      '--url',
      url,
      '--credentials',
      file('{"username":"a","password":"b"}'),
    ];
    expect((await orgstream(argv('42', 'https://x.example'), settings)).err).toContain(
      '--tenant: 42 is not <source>.<site id>',
    );
    expect((await orgstream(argv('eu1.42', 'ftp://x.example'), settings)).err).toContain('--url');
  });

  test('an unreachable Postgres is exit code 75, without password or stack trace', async () => {
    const { code, err } = await orgstream(['migrate'], settings);
    expect(code).toBe(75);
    expect(err).not.toContain('hidden-word');
    expect(err).not.toMatch(/\n\s+at /);
  });
});
