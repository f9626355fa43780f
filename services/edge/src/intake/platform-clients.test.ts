import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Knex } from '@orgstream/database';
import { createSecretBox } from '@orgstream/runtime';
import { expect, test } from 'vitest';
import { PlatformClients } from './platform-clients.ts';

const secrets = createSecretBox(`t:${'0'.repeat(64)}`);
const { keyId, sealed } = secrets.seal(JSON.stringify({ username: 'u', password: 'p', token: 't' }));
const db = { raw: async () => ({ rows: [{ key_id: keyId, sealed }] }) } as unknown as Knex;

test('a platform that says 429 on and on is asked a quarter as often, and never keeps a place for minutes', async () => {
  const server = createServer((request, response) => {
    const isToken = request.url?.endsWith('/auth/token') === true;
    const platform = { id: 1, name: 'Academy', url: 'http://127.0.0.1' };
    const token = { accessToken: 'a', tokenType: 'Bearer', expiresIn: 3_600, platform };
    response.writeHead(isToken ? 200 : 429, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isToken ? token : { error: { code: 'rate_limited', message: '' } }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const platformUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = new PlatformClients({ db, secrets, callTimeoutMs: 2_000, callsPerMinute: 240 });
  const client = await clients.of({
    integration: 'i',
    tenant: 't',
    platformUrl,
    secretId: 's',
    poll: true,
    sinceMs: 0,
  });
  const begun = performance.now();
  for (let call = 0; call < 6; call += 1) {
    await expect(client.notifications(0, { pageSize: 1 })).rejects.toMatchObject({ code: 'TARGET_RATE_LIMITED' });
  }
  // Halved and halved again, they would take twice as long, and the next ones minutes.
  expect(performance.now() - begun).toBeLessThan(15_000);
  server.close();
}, 60_000);
