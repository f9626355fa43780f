import { brakedOperations, defaultBrake, type BrakedOperation } from '@orgstream/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowedBy, BrakeBook, type Ticket } from './book.ts';
import { dayMs, shortMs } from './windows.ts';

const none: ReadonlySet<string> = new Set();
const ids = (count: number, prefix = 'p'): ReadonlySet<string> =>
  new Set(Array.from({ length: count }, (_, n) => `${prefix}${n}`));

/** One integration of so many linked people, as one who asks sees it. */
class Scene {
  readonly book = new BrakeBook();
  nowMs = 0;
  linked = 1_000;
  pending = new Map<BrakedOperation, ReadonlySet<string>>();

  ask(id: string, ...operations: readonly BrakedOperation[]): 'pass' | readonly BrakedOperation[] {
    const request = { kind: 'person', id, operations } as const;
    const judged = this.book.judge(request, {
      nowMs: this.nowMs,
      allowed: (operation) => allowedBy(defaultBrake[operation], this.linked),
      pending: (operation) => this.pending.get(operation) ?? none,
    });
    if (!judged.pass) return judged.held;
    const ticket = this.book.pass(request);
    ticket.sending();
    ticket.close(this.nowMs);
    return 'pass';
  }
}

test.each([
  [0, 5, 5],
  [100, 5, 10],
  [119, 5, 11],
  [1_000, 50, 100],
])('of %d linked people %d may leave in ten minutes, %d in a day', (linked, short, day) => {
  expect(allowedBy(defaultBrake.deactivate, linked)).toEqual({ short, day });
});

test('applied plus pending above both numbers trips, before the first of them is let through', () => {
  const scene = new Scene();
  scene.pending.set('deactivate', ids(51));
  expect(scene.ask('p0', 'deactivate')).toEqual(['deactivate']);
});

test('as many as are allowed go', () => {
  const scene = new Scene();
  scene.pending.set('deactivate', ids(50));
  expect(scene.ask('p0', 'deactivate')).toBe('pass');
});

test('a trickle stops at the limit, and goes on neither with time nor by asking again', () => {
  const scene = new Scene();
  scene.linked = 40;
  for (let n = 0; n < 5; n += 1) expect(scene.ask(`p${n}`, 'deactivate')).toBe('pass');
  expect(scene.ask('p5', 'deactivate')).toEqual(['deactivate']);
  scene.nowMs += 2 * dayMs;
  expect(scene.ask('p5', 'deactivate')).toEqual(['deactivate']);
  scene.book.release('person', 'deactivate');
  expect(scene.ask('p5', 'deactivate')).toBe('pass');
});

test('the day has its own share: a slow trickle stops there', () => {
  const scene = new Scene();
  for (let n = 0; n < 100; n += 1) {
    scene.nowMs += shortMs / 10;
    expect(scene.ask(`p${n}`, 'deactivate')).toBe('pass');
  }
  scene.nowMs += shortMs / 10;
  expect(scene.ask('p100', 'deactivate')).toEqual(['deactivate']);
});

test('only the tripped operation is held, and of its own kind', () => {
  const scene = new Scene();
  scene.pending.set('deactivate', ids(400));
  expect(scene.ask('p0', 'deactivate')).toEqual(['deactivate']);
  expect(scene.ask('x', 'rename', 'move')).toBe('pass');
  expect(scene.ask('y', 'rename', 'deactivate')).toEqual(['deactivate']);
  expect(scene.book.isTripped('unit', 'deactivate')).toBe(false);
});

test('who was let through and not sent gives the place back; who is in flight keeps it however long it takes', () => {
  const book = new BrakeBook();
  const request = { kind: 'person', id: 'a', operations: ['deactivate'] } as const;
  const count = (nowMs: number) => book.windows.count('person/deactivate', nowMs - shortMs);
  const refused = book.pass(request);
  expect(count(0)).toBe(1);
  refused.sending();
  refused.failed();
  refused.close(0);
  expect(count(0)).toBe(0);
  const slow = book.pass(request);
  expect(count(10 * shortMs)).toBe(1);
  slow.sending();
  slow.close(10 * shortMs);
  expect(count(11 * shortMs - 1)).toBe(1);
  expect(count(11 * shortMs)).toBe(0);
});

test('an object that is applied and pending again counts once', () => {
  const scene = new Scene();
  scene.linked = 0;
  for (const id of ids(5)) expect(scene.ask(id, 'deactivate')).toBe('pass');
  scene.pending.set('deactivate', ids(5));
  expect(scene.ask('p0', 'deactivate')).toBe('pass');
  expect(scene.ask('other', 'deactivate')).toEqual(['deactivate']);
});

interface Step {
  readonly waitMs: number;
  readonly objects: readonly number[];
  readonly operations: readonly BrakedOperation[];
  readonly fails: boolean;
  readonly isKnown: boolean;
  readonly release: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: shortMs }), fc.integer({ min: shortMs, max: dayMs / 4 })),
  objects: fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 15 }),
  operations: fc.uniqueArray(fc.constantFrom(...brakedOperations), { minLength: 1, maxLength: 3 }),
  fails: fc.boolean(),
  isKnown: fc.boolean(),
  release: fc.boolean(),
});

test('never more than the larger number is sent unapproved in any window, for any order, batching and knowledge', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 150 }), (steps, linked) => {
      const book = new BrakeBook();
      const sent: { readonly operation: BrakedOperation; readonly id: string; readonly atMs: number }[] = [];
      let nowMs = 0;
      for (const { waitMs, objects, operations, fails, isKnown, release } of steps) {
        nowMs += waitMs;
        if (release) for (const operation of operations) book.release('person', operation);
        // What is pending may be known or not: the limit must hold all the same.
        const pending = isKnown ? new Set(objects.map(String)) : none;
        const view = {
          nowMs,
          allowed: (operation: BrakedOperation) => allowedBy(defaultBrake[operation], linked),
          pending: () => pending,
        };
        const tickets: [Ticket, string][] = [];
        for (const id of objects.map(String)) {
          const request = { kind: 'person', id, operations } as const;
          const goes = book.fits(request, objects.length, view) || book.judge(request, view).pass;
          if (goes) tickets.push([book.pass(request), id]);
        }
        for (const [ticket, id] of tickets) {
          ticket.sending();
          if (fails) ticket.failed();
          else sent.push(...operations.map((operation) => ({ operation, id, atMs: nowMs })));
          ticket.close(nowMs);
        }
      }
      for (const { operation, atMs } of sent) {
        const { short, day } = allowedBy(defaultBrake[operation], linked);
        const within = (ms: number) =>
          new Set(
            sent
              .filter((one) => one.operation === operation && one.atMs > atMs - ms && one.atMs <= atMs)
              .map(({ id }) => id),
          ).size;
        expect(within(shortMs)).toBeLessThanOrEqual(short);
        expect(within(dayMs)).toBeLessThanOrEqual(day);
      }
    }),
    { numRuns: 300 },
  );
});

test('what is not tripped is never held, whatever else is', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...brakedOperations), { maxLength: 8 }), (operations) => {
      const scene = new Scene();
      for (const operation of operations) scene.pending.set(operation, ids(1_001));
      for (const operation of brakedOperations) {
        const expected = operations.includes(operation) ? [operation] : 'pass';
        expect(scene.ask('p0', operation)).toEqual(expected);
      }
    }),
  );
});
