import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Deps } from './deps.ts';
import { findOwners } from './verify.ts';

/** A platform whose lists never end. */
let server: Server;
let url: string;
let pages = 0;

beforeAll(async () => {
  const platform = { id: 1, name: 'acme', url: 'http://acme.example' };
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://platform');
    const page = Number(searchParams.get('page') ?? 0);
    pages = Math.max(pages, page);
    const answers: Record<string, unknown> = {
      '/auth/token': { accessToken: 't', expiresIn: 3_600, platform },
      '/platform': { data: { ...platform, topDepartmentId: 1, defaults: {} } },
    };
    const list = { data: [{ id: page, name: 'Owner' }], meta: { page, total: 1e9, totalPages: 1e9 } };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[pathname] ?? list));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

test('a platform whose lists never end is given up on in time', { timeout: 60_000 }, async () => {
  const found = await findOwners({ callTimeoutMs: 700 } as Deps, url, { username: 'u', password: 'p' });
  expect(found).toMatchObject({ emails: [], findings: [{ code: 'TARGET_UNREACHABLE' }, { code: 'OWNERS_UNKNOWN' }] });
  expect(pages).toBeGreaterThan(1);
});
