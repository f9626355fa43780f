import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, test, vi } from 'vitest';
import { examplesOf, leaves, manual, pathOf } from './manual.ts';
import { createProgram } from './program.ts';
import { file, orgstream } from './test-support/orgstream.ts';

const program = createProgram({
  environment: () => expect.fail('nothing is run here'),
  control: () => expect.fail('nothing is run here'),
  finish: () => {},
  signal: new AbortController().signal,
});
const all = leaves(program).map((command) => ({ path: pathOf(command), command }));

const settings = {
  ORGSTREAM_URL: 'http://127.0.0.1:1',
  ORGSTREAM_TOKEN: 'ost_hidden-word',
  DATABASE_URL: 'postgres://nobody:hidden-word@127.0.0.1:1/none',
  KAFKA_BROKERS: '127.0.0.1:1',
  REGISTRY_URL: 'http://127.0.0.1:1',
  ORGSTREAM_SECRET_KEY: `k:${'0'.repeat(64)}`,
};
const run = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';

describe('every command', () => {
  test('the top help names every group and the exit codes', async () => {
    const { code, out } = await orgstream(['--help']);
    expect(code).toBe(0);
    const words =
      'migrate topics schemas source token doctor completion status tenant objects why audit integration sync rebuild drift undo run pause resume replay renormalise snapshot erase channel notification conversation login issuer';
    for (const word of [...words.split(' '), 'Exit codes', 'ORGSTREAM_TOKEN']) expect(out).toContain(word);
  });

  test.each(all)('$path has an example in its help, and takes --json', async ({ path, command }) => {
    const { code, out } = await orgstream([...path.split(' ').slice(1), '--help']);
    expect(code).toBe(0);
    const examples = examplesOf(command)
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    expect(examples.length).toBeGreaterThan(0);
    for (const line of examples) expect(line.startsWith(path.replace(' list', '')) || line.startsWith(path)).toBe(true);
    expect(out).toContain('--json');
    expect(command.description()).toMatch(/^[a-z].{10,}/);
  });

  const lines = all.flatMap(({ command }) =>
    examplesOf(command)
      .split('\n')
      .filter((line) => !line.startsWith('#')),
  );
  test.each(lines)('the example is understood: %s', async (line) => {
    class Asked extends Error {}
    const ask = (): never => {
      throw new Asked();
    };
    const cli = { environment: ask, control: ask, finish: () => {}, signal: new AbortController().signal };
    const words = shellWords(line).slice(1);
    if (words.some((word) => /\.json$|^-$/.test(word))) return;
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      // Understood = it comes to the point where something is asked of somebody, or has all it needs.
      const end = await createProgram(cli)
        .parseAsync(words, { from: 'user' })
        .then(
          () => 'done',
          (error: unknown) => error,
        );
      expect(end === 'done' || end instanceof Asked, String(end)).toBe(true);
    } finally {
      out.mockRestore();
    }
  });

  test('docs/cli.md is what the command tree says', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
    expect(committed).toBe(manual());
  });
});

/** Words of an example, as a shell takes them, up to a pipe or a redirection. */
function shellWords(line: string): readonly string[] {
  const words = [...line.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word.replaceAll(/^["']|["']$/g, ''));
  const end = words.findIndex((word) => ['|', '<', '>'].includes(word));
  return end === -1 ? words : words.slice(0, end);
}

describe('wrong usage', () => {
  test.each<[readonly string[], RegExp]>([
    [['status'], /ORGSTREAM_URL: is missing.*npm run dev/],
    [['migrate'], /DATABASE_URL: is missing.*npm run dev/],
    [['nonsense'], /unknown command/],
    [['runn', 'list'], /Did you mean run/],
    [['integration', 'create', '--tenant', 'eu1.42'], /--url|--credentials/],
    [['integration', 'show'], /missing required argument 'integration'/],
    [['integration', 'show', '42'], /neither an integration's id nor a tenant/],
    [['integration', 'shadow', 'maybe', 'eu1.42'], /unknown command|too many|maybe/],
    [['integration', 'settings', 'set', 'eu1.42'], /give name=value, or --file/],
    [['integration', 'settings', 'set', 'eu1.42', 'uniqueUnits'], /is not name=value/],
    [['integration', 'settings', 'set', 'eu1.42', 'uniqueUnits=maybe'], /uniqueUnits/],
    [['integration', 'settings', 'set', 'eu1.42', 'nonsense=1'], /nonsense/],
    [['integration', 'settings', 'set', 'eu1.42', '__proto__.x=1'], /is not name=value/],
    [['integration', 'settings', 'rollback', 'eu1.42', '--version', 'x'], /whole number/],
    [['topics', 'apply', '--partitions', '0'], /whole number of at least 1/],
    [['snapshot'], /give either --source or --tenant/],
    [['snapshot', '--source', 'eu1', '--tenant', 'eu1.42'], /give either --source or --tenant/],
    [['replay', '--tenant', '42'], /--tenant: 42 is not <source>\.<site id>, for example eu1\.42/],
    [['replay', '--from', 'yesterday'], /--from: yesterday is no time like/],
    [['sync'], /give --integration <id>, or --tenant/],
    [['sync', '--integration', run, '--tenant', 'eu1.42'], /give either --integration or --tenant/],
    [['sync', '--tenant', 'eu1.42', '--person', '7', '--unit', '8'], /give only one of --person, --unit/],
    [['undo', '--tenant', 'eu1.42'], /give --person, --unit, --role or --run/],
    [['undo', '--tenant', 'eu1.42', '--run', '7'], /--run: 7 is not an id/],
    [['run', 'show', 'x'], /<run>: x is not an id/],
    [['run', 'list', '--kind', 'holiday'], /Allowed choices are sync/],
    [['run', 'approve', run, '--item', '7'], /7 is not <kind>\/<source id>/],
    [['run', 'approve', run, '--operation', 'fire'], /fire is no operation; there are create/],
    [['run', 'approve', run, '--operation', 'rename', '--item', 'person/7'], /give either --item or --operation/],
    [['why', 'eu1.42', 'people/7'], /people\/7 is not <kind>/],
    [['objects', 'approve', '--tenant', 'eu1.42'], /give objects \(person\/7 …\), or --operation, or --all/],
    [['objects', 'approve', 'person/7', '--all', '--tenant', 'eu1.42'], /give objects/],
    [['objects', 'adopt', 'person/7', '--tenant', 'eu1.42'], /--target/],
    [['objects', '--tenant', 'eu1.42', '--state', 'lost'], /Allowed choices are in_step/],
    [['erase', '--tenant', 'eu1.42'], /--person/],
    [['erase', '--tenant', 'eu1.42', '--person', 'unit/7', '--yes'], /--person: unit\/7 is no person/],
    [['erase', '--tenant', 'eu1.42', '--person', '7'], /give --yes to do it without being asked/],
    [['pause'], /give either --all, or --integration or --tenant/],
    [['pause', '--all', '--tenant', 'eu1.42'], /give either --all/],
    [['token', 'create'], /--name/],
    [['token', 'create', '--name', 'x', '--role', 'king'], /Allowed choices are viewer/],
    [['token', 'create', '--name', 'x', '--tenants', 'eu1.42,43'], /43 is not <source>/],
    [['completion', 'tcsh'], /Allowed choices are bash/],
  ])('%j ends with 2, and one sentence says what to do', async (argv, message) => {
    const env = argv[0] === 'status' || argv[0] === 'migrate' ? {} : settings;
    const { code, err, out } = await orgstream(argv, env);
    expect(err).toMatch(message);
    expect(err).toMatch(/^orgstream: [^\n]+\n$/);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('a group alone shows its help, and ends with 2', async () => {
    const { code, err } = await orgstream(['integration', 'settings']);
    expect(code).toBe(2);
    expect(err).toContain('Usage: orgstream integration settings');
  });

  test.each([
    ['not json', /is not JSON/],
    ['{"username":"a","password":"b","tokn":"c"}', /look at tokn/],
    ['{"username":"a"}', /look at password/],
    ['[]', /--credentials: look at the file/],
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
});

describe('what does not answer', () => {
  test.each<[readonly string[], RegExp]>([
    [['migrate'], /Postgres does not answer/],
    [['source', 'list'], /Postgres does not answer/],
    [['token', 'create', '--local', '--name', 'first'], /Postgres does not answer/],
    [['status'], /CONTROL_UNREACHABLE: .*ORGSTREAM_URL/],
    [['sync', '--tenant', 'eu1.42'], /CONTROL_UNREACHABLE/],
    [['schemas', 'check'], /REGISTRY_UNREACHABLE/],
  ])('%j ends with 75, without password, token or stack trace', async (argv, message) => {
    const { code, err } = await orgstream(argv, settings);
    expect(err).toMatch(message);
    expect(err).toMatch(/^orgstream: [^\n]+\n$/);
    expect(code).toBe(75);
    expect(err).not.toContain('hidden-word');
  });

  test('doctor tells everything that does not answer at once, and ends with 1', async () => {
    const { code, out } = await orgstream(['doctor', '--json'], settings);
    const { ok, findings } = JSON.parse(out) as {
      ok: boolean;
      findings: { area: string; level: string; remedy: string | null }[];
    };
    expect({ ok, code }).toEqual({ ok: false, code: 1 });
    const brokenAreas = new Set(findings.filter(({ level }) => level === 'broken').map(({ area }) => area));
    expect([...brokenAreas].toSorted()).toEqual([
      'chat',
      'control',
      'generation',
      'integrations',
      'kafka',
      'login',
      'postgres',
      'registry',
      'sources',
    ]);
    for (const { level, remedy } of findings) expect(remedy === null).toBe(level === 'ok');
    expect(out).not.toContain('hidden-word');
  }, 40_000);
});

describe('completion', () => {
  const complete = (words: readonly string[]): readonly string[] => {
    const script = `eval "$SCRIPT"; COMP_WORDS=(orgstream ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _orgstream; echo "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { env: { ...process.env, SCRIPT: bashScript }, encoding: 'utf8' })
      .trim()
      .split(' ');
  };
  let bashScript = '';

  test('bash knows commands, options and their values', async () => {
    bashScript = (await orgstream(['completion', 'bash'])).out;
    expect(complete(['inte'])).toEqual(['integration']);
    expect(complete(['run', 'app'])).toEqual(['approve']);
    expect(complete(['integration', 'settings', ''])).toEqual(
      expect.arrayContaining(['get', 'set', 'versions', 'rollback']),
    );
    expect(complete(['run', 'list', '--sta'])).toEqual(['--state']);
    expect(complete(['run', 'list', '--state', 'pla'])).toEqual(['planning', 'planned']);
    expect(complete(['completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  test.each(['zsh', 'fish'])('%s has every command', async (shell) => {
    const { out, code } = await orgstream(['completion', shell]);
    expect(code).toBe(0);
    for (const { path } of all) expect(out).toContain(path.split(' ').slice(1).join(' '));
  });
});
