import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request, SiteContext } from './site-context.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

interface Edge extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly path: string; readonly claims: Record<string, unknown> }[];
}

/** An edge that answers every question about shortcuts alike. */
async function edge(status: number, shortcuts: object[]): Promise<Edge> {
  const asked: Edge['asked'] = [];
  const server = createServer((req, res) => {
    const token = (req.headers.authorization ?? '').replace('Bearer ', '');
    asked.push({ path: req.url ?? '', claims: decodeJwt(token) });
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ shortcuts }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const menuEntry = { name: 'Academy <3', url: 'http://127.0.0.1:1/login/i-1', place: 'web-menu', behaviour: 'redirect' };
const tile = { ...menuEntry, name: 'Tile', place: 'app-tile', behaviour: 'in-app' };

async function opened(answer: Edge) {
  const site = await ziik.site();
  const integrations = [{ id: 'i-1', platformUrl: 'http://127.0.0.1:9/p/1' }];
  expect((await site.sim('POST', 'edge', { edgeUrl: answer.url, integrations })).status).toBe(204);
  const anna = await site.person('Anna');
  const open = (path: string, more = '') => request(`${site.url}/${path}?user=${anna}${more}`);
  return { site, anna, open };
}

test('the menu has the shortcuts the edge gives to this person; the app has its own', async () => {
  await using answer = await edge(200, [menuEntry, tile]);
  const { site, anna, open } = await opened(answer);
  const menu = (await open('menu')).body;
  expect(menu).toContain('Academy &#60;3');
  expect(menu).toContain(`href="/s/${site.id}/open?user=${anna}&#38;integration=i-1"`);
  expect(menu).not.toContain('>Tile<');
  const app = (await open('app')).body;
  expect([app.includes('>Tile<'), app.includes('Academy')]).toEqual([true, false]);
  expect(answer.asked).toMatchObject([
    { path: '/shortcuts/i-1', claims: { sub: anna, aud: 'i-1', iss: site.url, email: 'anna@example.dk' } },
    { path: '/shortcuts/i-1', claims: { sub: anna } },
  ]);
  expect(answer.asked[0]?.claims['jti']).not.toBe(answer.asked[1]?.claims['jti']);
});

test('without an edge that answers, the menu is there and says what is missing', async () => {
  await using answer = await edge(503, []);
  const { open } = await opened(answer);
  const { status, body } = await open('menu');
  expect([status, body.includes('not available (HTTP 503)'), body.includes('class="shortcut"')]).toEqual([
    200,
    true,
    false,
  ]);
});

test('a click signs for this person and this integration, and leads to the edge with the page that is wanted', async () => {
  await using answer = await edge(200, []);
  const { anna, open } = await opened(answer);
  const to = 'http://127.0.0.1:9/p/1/courses/12?a=1&b=2';
  const got = await open('open', `&integration=i-1&to=${encodeURIComponent(to)}`);
  expect([got.status, got.headers.get('cache-control'), got.headers.get('referrer-policy')]).toEqual([
    302,
    'no-store',
    'no-referrer',
  ]);
  const target = new URL(got.headers.get('location') ?? '');
  expect([target.origin, target.pathname, target.searchParams.get('to')]).toEqual([answer.url, '/login/i-1', to]);
  expect(decodeJwt(target.searchParams.get('assertion') ?? '')).toMatchObject({ sub: anna, aud: 'i-1' });
  expect((await open('open', '&integration=other')).status).toBe(404);
});

test('links to the platform open through the login, other links do not, and nothing said is HTML', async () => {
  await using answer = await edge(200, []);
  const { site, anna, open } = await opened(answer);
  const id = await site.conversation(anna);
  const message = '<b>Kursus</b>: http://127.0.0.1:9/p/1/courses/12. http://127.0.0.1:9/p/10/x http://evil.example/p/1';
  await site.api('POST', `/conversations/${id}/messages`, { message });
  const { body } = await open('chat', `&conversation=${id}`);
  expect(body).not.toContain('<b>');
  const links = [...body.matchAll(/<a[^>]*href="([^"]*)"[^>]*>(http[^<]*)</g)].map(([, href, text]) => [text, href]);
  const through = new URLSearchParams({ user: anna, integration: 'i-1', to: 'http://127.0.0.1:9/p/1/courses/12' });
  expect(links).toEqual([
    ['http://127.0.0.1:9/p/1/courses/12', `/s/${site.id}/open?${through.toString().replaceAll('&', '&#38;')}`],
    ['http://127.0.0.1:9/p/10/x', 'http://127.0.0.1:9/p/10/x'],
    ['http://evil.example/p/1', 'http://evil.example/p/1'],
  ]);
});

test('an answer typed into the chat reaches the sender, and what was shown is read', async () => {
  await using answer = await edge(200, []);
  const { site, anna, open } = await opened(answer);
  const id = await site.conversation(anna);
  await site.api('POST', `/conversations/${id}/messages`, { message: 'Hej' });
  expect((await open('chat')).body).toContain('<span class="unread">1</span>');
  expect((await open('chat', `&conversation=${id}`)).body).not.toContain('class="unread"');
  const say = (user: string) =>
    fetch(`${site.url}/chat?user=${user}&conversation=${id}`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ message: 'Tak!' }),
    });
  expect([(await say(anna)).status, (await say(await site.person('Bo'))).status]).toEqual([303, 404]);
  expect((await site.api('GET', `/conversations/${id}/messages`)).body.data).toMatchObject([
    { message: 'Hej' },
    { message: 'Tak!', author: { id: Number(anna) } },
  ]);
});

test.each(['menu', 'app', 'chat'])('%s of nobody, and of somebody of another site, is not there', async (name) => {
  const [site, other] = [await ziik.site(), await ziik.site()];
  for (const user of ['4711', 'x', other.senderId]) {
    expect((await request(`${site.url}/${name}?user=${user}`)).status).toBe(404);
  }
});
