import { expect, test } from 'vitest';
import { request, SimContext } from './sim-context.ts';

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

async function signedIn(lb: SimContext, redirectPath: string) {
  const id = await lb.create('/users', { firstName: 'Åse <b>', lastName: 'Holm', email: 'ase@example.dk' });
  const link = (await lb.api('POST', '/login-links', { userId: id, redirectPath })).body.data.url as string;
  const opened = await request(link, 'GET', undefined, browser);
  const headers = { ...browser, cookie: opened.headers.get('set-cookie')?.split(';')[0] ?? '' };
  const go = (path: string) => request(new URL(path, link).href, 'GET', undefined, headers);
  return { id, link, go, first: await go(opened.headers.get('location') ?? '') };
}

test.each([
  ['/', 'My learning'],
  ['/courses/12', 'Course 12'],
  ['/modules/7?from=chat', 'Module 7'],
  ['/learning-paths/a%20b', 'Learning path a b'],
  ['/help', 'Help'],
])('the page %s greets by the first name, and says it is "%s"', async (path, title) => {
  await using lb = await SimContext.open();
  const { first } = await signedIn(lb, path);
  expect(first.status).toBe(200);
  expect(first.headers.get('content-type')).toContain('text/html');
  expect(first.body).toContain('<h1>Welcome, Åse &#60;b&#62;</h1>');
  expect(first.body).toContain(`<h2>${title}</h2>`);
});

test('who is deactivated is greeted no longer', async () => {
  await using lb = await SimContext.open();
  const { id, go } = await signedIn(lb, '/');
  await lb.api('POST', `/users/${id}/deactivate`);
  const got = await go(`/p/${lb.platform.id}/`);
  expect([got.status, String(got.body).includes('Åse')]).toEqual([401, false]);
});

test('nobody is greeted without a session, nor with one of another platform', async () => {
  await using lb = await SimContext.open();
  const other = (await lb.sim('POST', '/platforms', { name: 'Other' })).body;
  const { go } = await signedIn(lb, '/');
  const got = await go(`/p/${other.id}/`);
  expect([got.status, String(got.body).includes('Welcome')]).toEqual([401, false]);
  expect((await request(`${lb.simulator.url}/p/${lb.platform.id}/courses/1`, 'GET')).status).toBe(401);
});

test('a browser that follows a used link gets a page, a program its code', async () => {
  await using lb = await SimContext.open();
  const { link } = await signedIn(lb, '/');
  const page = await request(link, 'GET', undefined, browser);
  expect([page.status, page.headers.get('content-type')]).toEqual([410, 'text/html; charset=utf-8']);
  expect(page.body).toContain('This link has been used');
  expect(await request(link, 'GET')).toMatchObject({ status: 410, body: { error: { code: 'link_used_or_expired' } } });
});
