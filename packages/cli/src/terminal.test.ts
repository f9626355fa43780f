import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refusal, startFakeControl } from './test-support/fake-control.ts';
import { against } from './test-support/orgstream.ts';

/** Clears the screen, sets the title, rings, turns text around, and starts a line of its own. */
const name = 'Ann\u001b[2J\u009b31m\u001b]0;title\u0007\u202eAnna\nperson/8  Bob';
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
const id = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';
const object = {
  kind: 'person',
  id: '7',
  name,
  state: 'held',
  lane: 'leaver',
  code: 'BRAKE_TRIPPED',
  operations: ['deactivate'],
  hash: 'abc123',
  run: null,
  targetId: null,
  since: null,
};

let control: Awaited<ReturnType<typeof startFakeControl>>;
let orgstream: ReturnType<typeof against>;
beforeEach(async () => {
  control = await startFakeControl({
    listObjects: () => ({ items: [object], next: null }),
    listRuns: () => new Refusal(404, 'NOT_FOUND', `no ${name}`),
  } as never);
  orgstream = against(control);
});
afterEach(() => control[Symbol.asyncDispose]());

test('a name does not steer the terminal, nor look like a line of ours', async () => {
  const { code, out } = await orgstream('objects', 'list', '--integration', id);
  expect(code).toBe(0);
  expect(out).toContain('Ann');
  expect(out).not.toMatch(steering);
  expect(out.trimEnd().split('\n')).toHaveLength(2);
});

test('as JSON it is all there, escaped', async () => {
  const { out } = await orgstream('objects', 'list', '--integration', id, '--json');
  expect(out.trimEnd()).not.toMatch(steering);
  expect((JSON.parse(out) as { name: string }[])[0]!.name).toBe(name);
});

test('an error is one line', async () => {
  const { err } = await orgstream('run', 'list', '--integration', id);
  expect(err).not.toMatch(steering);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

test('who stops reading, as `head` does, sees no stack trace', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (text: Buffer) => (err += String(text)));
  await once(child, 'close');
  expect(err).toBe('');
});
