import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EdgeService } from '../service.ts';
import { EdgeContext, logIn, short, type Scene } from './fixture.ts';

let ctx: EdgeContext;
/** Waits long: what is waited for comes. */
let patient: EdgeService;
/** Waits briefly: what is waited for does not come. */
let quick: EdgeService;
let scene: Scene;
let carryOut: (person: string) => Promise<void>;
let asked: string[];

beforeAll(async () => {
  ctx = await EdgeContext.open();
  await ctx.trust();
  patient = await ctx.edge({ EDGE_JUST_IN_TIME_MS: '10000' });
  quick = await ctx.edge({ EDGE_JUST_IN_TIME_MS: '300' });
  ctx.sink(async (person) => {
    asked.push(person);
    await carryOut(person);
  });
  return () => ctx[Symbol.asyncDispose]();
});

beforeEach(async () => {
  scene = await ctx.integrate({ tenant: ctx.tenant });
  asked = [];
  carryOut = async () => {};
  return async () => void (await ctx.db.raw(`delete from control.integration`));
});

const enter = async (edge: EdgeService, person: string) => logIn(edge, scene, await ctx.assertion(scene, person));
const newUser = (): number => scene.platform.users.create({ firstName: 'Nova', lastName: 'N' }).id;
const lastEvent = async () => (await ctx.events(scene)).at(-1);

describe('somebody who is not in Learningbank yet', () => {
  test('is brought there, and let in', async () => {
    const person = await ctx.person(scene);
    carryOut = (who) => ctx.link(scene, who, newUser());
    expect(short(await enter(patient, person))).toBe('302');
    expect(asked).toEqual([person]);
    expect(await lastEvent()).toMatchObject({ person_id: person, outcome: 'admitted', just_in_time: true });
    expect(short(await enter(patient, person))).toBe('302');
    expect(asked).toEqual([person]);
  });

  test('once work on them goes on, the link is waited for', async () => {
    const person = await ctx.person(scene, { work: { state: 'waiting' } });
    carryOut = async (who) => void setTimeout(() => void ctx.link(scene, who, newUser()), 200);
    expect(short(await enter(patient, person))).toBe('302');
  });

  test('is not waited for longer than that', async () => {
    const person = await ctx.person(scene, { work: { state: 'waiting' } });
    const answer = await enter(quick, person);
    expect(short(answer)).toBe('503 LOGIN_NOT_IN_STEP');
    expect(await lastEvent()).toMatchObject({ code: 'LOGIN_NOT_IN_STEP', just_in_time: true });
  });

  test.each(['held', 'conflict'])('%s: an operator decides, not a tap', async (state) => {
    const person = await ctx.person(scene, { work: { state, code: 'BRAKE_TRIPPED' } });
    expect(short(await enter(patient, person))).toBe('503 LOGIN_NOT_IN_STEP');
    expect(asked).toEqual([]);
  });

  test.each(['held', 'conflict', 'parked'])('comes to be %s: that is said at once', async (state) => {
    const person = await ctx.person(scene);
    carryOut = (who) => ctx.work(scene, who, { state, code: 'EMAIL_TAKEN' });
    expect(short(await enter(patient, person))).toBe('503 LOGIN_NOT_IN_STEP');
    expect(asked).toEqual([person]);
  });

  test('was parked: is tried again', async () => {
    const person = await ctx.person(scene, { work: { state: 'parked', code: 'EMAIL_TAKEN' } });
    carryOut = async (who) => {
      await ctx.db.raw(`delete from sink.work`);
      await ctx.link(scene, who, newUser());
    };
    expect(short(await enter(patient, person))).toBe('302');
  });

  test('is left out by the filters', async () => {
    expect(short(await enter(patient, await ctx.person(scene)))).toBe('403 LOGIN_OUT_OF_SCOPE');
  });

  test('leaves meanwhile', async () => {
    const person = await ctx.person(scene);
    carryOut = async (who) => {
      await ctx.db.raw(`update sink.person set active = false where id = ?`, [who]);
      await ctx.link(scene, who, newUser());
    };
    expect(short(await enter(patient, person))).toBe('403 LOGIN_PERSON_INACTIVE');
  });

  test.each([
    'update control.integration set enabled = false',
    'update control.integration set paused = true',
    'update control.integration set shadow = true',
  ])('while nothing is sent: %s', async (off) => {
    const person = await ctx.person(scene);
    await ctx.db.raw(off);
    expect(short(await enter(patient, person))).toBe('503 LOGIN_NOT_IN_STEP');
    expect(asked).toEqual([]);
  });

  test('while everything is stopped', async () => {
    const person = await ctx.person(scene);
    await ctx.db.raw(`update control.stop set stopped = true`);
    expect(short(await enter(patient, person))).toBe('503 LOGIN_NOT_IN_STEP');
    await ctx.db.raw(`update control.stop set stopped = false`);
    expect(asked).toEqual([]);
  });
});

describe('somebody of whom the source has not told us', () => {
  test('is refused', async () => {
    expect(short(await enter(quick, '424242'))).toBe('403 LOGIN_PERSON_UNKNOWN');
    expect(await lastEvent()).toMatchObject({ person_id: '424242', code: 'LOGIN_PERSON_UNKNOWN' });
  });

  test('is let in once it does', async () => {
    carryOut = (who) => ctx.link(scene, who, newUser());
    const answer = enter(patient, '434343');
    await expect.poll(async () => (await ctx.db.raw(`select from edge.used_jti where jti is not null`)).rowCount as number, { timeout: 20_000 }).toBeGreaterThan(0); // prettier-ignore
    await ctx.person(scene, {}, '434343');
    expect(short(await answer)).toBe('302');
  });

  test('of whom only something malformed was heard, is not known', async () => {
    const person = await ctx.person(scene);
    await ctx.db.raw(`update sink.person set log_offset = -1 where id = ?`, [person]);
    expect(short(await enter(quick, person))).toBe('403 LOGIN_PERSON_UNKNOWN');
  });
});

test('nobody there to sync: the command is taken back', async () => {
  await using alone = await EdgeContext.open();
  await alone.trust();
  const door = await alone.integrate();
  const edge = await alone.edge({ EDGE_JUST_IN_TIME_MS: '300' });
  const person = await alone.person(door);
  expect(short(await logIn(edge, door, await alone.assertion(door, person)))).toBe('503 LOGIN_NOT_IN_STEP');
  const { rows } = await alone.db.raw<{ rows: unknown[] }>(`select from control.command where kind = 'person.sync'`);
  expect(rows).toHaveLength(0);
});
