import { forgetJtis } from '@orgstream/identity';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EdgeService } from '../service.ts';
import { forgetEvents } from './event-store.ts';
import { EdgeContext, get, logIn, short, type Answer, type Scene } from './fixture.ts';

let ctx: EdgeContext;
let edge: EdgeService;
let scene: Scene;

beforeAll(async () => {
  ctx = await EdgeContext.open();
  await ctx.trust();
  edge = await ctx.edge();
  return () => ctx[Symbol.asyncDispose]();
});

beforeEach(async () => {
  scene = await ctx.integrate();
});

const look = (assertion: string): Promise<Answer> =>
  get(`${edge.url}/shortcuts/${scene.id}`, { authorization: `Bearer ${assertion}` });
const lookAs = async (person: string): Promise<Answer> => look(await ctx.assertion(scene, person));

test('a linked person has a menu entry and a tile', async () => {
  const answer = await lookAs(await ctx.linked(scene));
  const url = `https://edge.example/login/${scene.id}`;
  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    200,
    {
      shortcuts: [
        { name: 'Academy', url, place: 'web-menu', behaviour: 'redirect' },
        { name: 'Academy', url, place: 'app-tile', behaviour: 'in-app' },
      ],
    },
  ]);
  expect([answer.headers.get('cache-control'), answer.headers.get('referrer-policy')]).toEqual([
    'no-store',
    'no-referrer',
  ]);
  expect(await ctx.events(scene)).toEqual([]);
});

test('nobody else has', async () => {
  for (const person of [await ctx.person(scene), await ctx.linked(scene, { active: false }), '999999']) {
    expect(JSON.parse((await lookAs(person)).body)).toEqual({ shortcuts: [] });
  }
});

test('switched off, there are none; one place can be switched off alone', async () => {
  const person = await ctx.linked(scene);
  await ctx.db.raw(`insert into control.login_setting (integration_id, web_menu) values (?, false)`, [scene.id]);
  expect((await lookAs(person)).body).toMatch(/^\{"shortcuts":\[\{[^}]*"app-tile"[^}]*\}\]\}$/);
  await ctx.db.raw(`update control.login_setting set enabled = false`);
  expect((await lookAs(person)).body).toBe('{"shortcuts":[]}');
});

test('an assertion is good for one look, or for one login', async () => {
  const person = await ctx.linked(scene);
  const assertion = await ctx.assertion(scene, person);
  expect(short(await look(assertion))).toBe('200');
  expect(short(await look(assertion))).toBe('401 ASSERTION_USED');
  expect(short(await logIn(edge, scene, assertion))).toBe('401 ASSERTION_USED');
  const [event] = await ctx.events(scene);
  expect(event).toMatchObject({ kind: 'shortcuts', outcome: 'refused', code: 'ASSERTION_USED', person_id: person });
});

test('what does not hold is refused', async () => {
  expect(short(await get(`${edge.url}/shortcuts/${scene.id}`))).toBe('401 ASSERTION_INVALID');
  expect(short(await look('x.y.z'))).toBe('401 ASSERTION_INVALID');
  expect(short(await get(`${edge.url}/shortcuts/none`))).toBe('404 NOT_FOUND');
  const assertion = await ctx.assertion(scene, await ctx.linked(scene));
  const url = `${edge.url}/shortcuts/${scene.id}?assertion=${assertion}`;
  expect(short(await get(url))).toBe('401 ASSERTION_INVALID');
  expect((await get(url, { authorization: `Bearer ${assertion}` }, 'HEAD')).status).toBe(405);
  expect(short(await look(assertion))).toBe('200');
});

describe('what is forgotten', () => {
  test('events after ninety days, burnt ids once nobody could use them', async () => {
    await lookAs(await ctx.linked(scene));
    for (let no = 0; no < 3; no += 1) await logIn(edge, scene, 'x');
    await ctx.db.raw(
      `update edge.login_event set at = now() - interval '91 days' where id = (select min(id) from edge.login_event where integration_id = ?)`,
      [scene.id],
    );
    expect(await forgetEvents(ctx.db, 90)).toBe(1);
    expect(await ctx.events(scene)).toHaveLength(3 - 1);
    await ctx.db.raw(`update edge.used_jti set expires_at = now() - interval '1 hour'`);
    expect(await forgetJtis(ctx.db)).toBeGreaterThan(0);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select from edge.used_jti`);
    expect(rows).toHaveLength(0);
  });
});
