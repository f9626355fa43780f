import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { ControlContext } from './fixture.ts';

/** Path of a schemathesis 4 (PyPI). It takes minutes; `fuzz.pg.test.ts` asks the same of every `npm test`. */
const program = process.env['SCHEMATHESIS'];

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'unsupported_method',
  'negative_data_rejection',
];

test.skipIf(program === undefined)(
  'schemathesis finds no 5xx and no undocumented answer (SCHEMATHESIS=<path>)',
  { timeout: 600_000 },
  async () => {
    await using ctx = await ControlContext.open({ CONTROL_WAIT_MS: 0, CONTROL_REFUSED_PER_MINUTE: 100_000 });
    await ctx.addTenant('eu1.42');
    const token = await ctx.token('admin');
    const target = ['run', `${ctx.url}/v1/openapi.json`, '--header', `Authorization: Bearer ${token}`];
    const what = [
      '--exclude-path',
      '/v1/stream',
      '--phases',
      'examples,coverage,fuzzing',
      '--checks',
      checks.join(','),
    ];
    const how = ['--max-examples', '25', '--workers', '2', '--no-color', '--request-timeout', '10'];
    const { ok, output } = await new Promise<{ ok: boolean; output: string }>((resolve) => {
      execFile(program!, [...target, ...what, ...how], { maxBuffer: 1 << 27 }, (error, out, err) =>
        resolve({ ok: error === null, output: `${out}${err}` }),
      );
    });
    expect(ok, output.slice(-20_000)).toBe(true);
  },
);
