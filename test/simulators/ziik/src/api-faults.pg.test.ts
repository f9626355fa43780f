import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SiteContext, type TestSite } from './site-context.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterEach(() => ziik.sim('DELETE', 'api-faults'));
afterAll(() => ziik[Symbol.asyncDispose]());

const route = '/conversations/:id/messages';
const fault = (site: TestSite, more: object) =>
  site.sim('POST', 'api-faults', { match: { method: 'POST', route }, count: 1, ...more });

async function place() {
  const site = await ziik.site();
  const id = await site.conversation(await site.person('Anna'));
  const post = () =>
    site.api('POST', `/conversations/${id}/messages`, { message: 'Hej' }).then(
      ({ status }) => status,
      () => 'broken',
    );
  const said = async () => (await ziik.sim('GET', `chat?siteId=${site.id}&summary`)).body.messages as number;
  return { site, id, post, said };
}

test.each([
  ['status', { status: 503 }, 503, 0],
  ['status', { status: 502, afterWrite: true }, 502, 1],
  ['reset_before', {}, 'broken', 0],
  ['reset_after_write', {}, 'broken', 1],
  ['hang', { ms: 20 }, 'broken', 0],
  ['hang', { ms: 20, afterWrite: true }, 'broken', 1],
  ['latency', { ms: 20 }, 201, 1],
  ['latency', { ms: 20, afterWrite: true }, 201, 1],
  ['unauthorized', {}, 401, 0],
  ['forbidden', {}, 403, 0],
  ['html', {}, 200, 0],
  ['half_json', { afterWrite: true }, 200, 1],
  ['lying_values', {}, 201, 0],
  ['lying_values', { afterWrite: true }, 201, 1],
])('%s %j answers %s, and %i messages are there', async (kind, more, answered, messages) => {
  const { site, post, said } = await place();
  await fault(site, { kind, ...more });
  expect(await post()).toBe(answered);
  expect(await said()).toBe(messages);
  expect(await post()).toBe(201);
});

test('latency after the write: the message is there before its answer is', async () => {
  const { site, post, said } = await place();
  await fault(site, { kind: 'latency', ms: 600_000, afterWrite: true });
  let answered = false;
  const pending = post().then(() => (answered = true));
  await expect.poll(said, { timeout: 20_000 }).toBe(1);
  expect(answered).toBe(false);
  // The simulator that stops cuts the call; here it is simply not waited for.
  void pending;
});

test('a lie shows another message in another conversation', async () => {
  const { site, id } = await place();
  await fault(site, { kind: 'lying_values' });
  const { body } = await site.api('POST', `/conversations/${id}/messages`, { message: 'Hej' });
  expect(body.data.conversationId).not.toBe(id);
  expect(body.data.message).not.toBe('Hej');
});

test('a fault of one site leaves the others alone; 429 carries its Retry-After', async () => {
  const [one, other] = [await place(), await place()];
  await fault(one.site, { kind: 'status', status: 429, retryAfterS: 3 });
  expect([await other.post(), await one.post(), await one.post()]).toEqual([201, 429, 201]);
});

test('calls are logged and counted, without credentials', async () => {
  const { site, post } = await place();
  await post();
  const log = (await ziik.sim('GET', `api-calls?siteId=${site.id}`)).body as { route: string; objectId: number }[];
  expect(log.map((call) => call.route)).toEqual(['/authenticate', '/conversations', route]);
  expect(JSON.stringify(log)).not.toContain('secret');
  expect((await ziik.sim('GET', `api-calls?siteId=${site.id}&summary`)).body).toMatchObject({
    total: 3,
    auth: 1,
    writes: 2,
    byRouteStatus: { [`POST ${route} 201`]: 1 },
  });
});

test('an unknown kind of fault is refused', async () => {
  expect((await ziik.sim('POST', 'api-faults', { kind: 'fire' })).status).toBe(400);
});
