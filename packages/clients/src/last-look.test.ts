import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { lastLook } from './last-look.ts';

// A real server: it is Node's own fetch whose order of events is relied on.
const got: string[] = [];
const server = createServer((request, response) => {
  got.push(request.method!);
  request.resume().on('end', () => response.end('{}'));
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => got.splice(0));

const post = (look: () => void): Promise<Response> =>
  fetch(url, { method: 'POST', body: 'x', dispatcher: lastLook(look) });

test('a look that throws: nothing is sent, on a new connection and on one that is there', async () => {
  const error = new Error('the lease has run out');
  for (const before of ['new', 'kept']) {
    await expect(post(() => { throw error; }), before).rejects.toMatchObject({ cause: error }); // prettier-ignore
    expect(got).toEqual([]);
    expect(await (await fetch(url)).text()).toBe('{}');
    got.splice(0);
  }
});

test('a look that does not: the call is made, and looked at once, after the connection was made', async () => {
  let looks = 0;
  const response = await post(() => (looks += 1));
  expect(await response.text()).toBe('{}');
  expect({ looks, got }).toEqual({ looks: 1, got: ['POST'] });
});
