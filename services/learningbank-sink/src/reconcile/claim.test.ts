import { expect, test } from 'vitest';
import type { ObjectKind } from '../model.ts';
import { chooseTurn, InFlight, type Turn } from './claim.ts';
import { type Claimed, undecided } from './keys.ts';

let next = 0;
const ripe = (integrationId: string, kind: ObjectKind, lane: number): Claimed => ({
  integrationId,
  kind,
  id: String((next += 1)),
  lane,
  generation: 1,
  attempts: 0,
  causeEpoch: 1,
  causeLsn: 1,
  committedAtMs: 0,
  open: false,
  standing: undecided,
});
const many = (count: number, ...of: Parameters<typeof ripe>) => Array.from({ length: count }, () => ripe(...of));

function choose(candidates: readonly Claimed[], turn: Partial<Turn> = {}): readonly string[] {
  const inFlight = new InFlight();
  const chosen = chooseTurn({
    ripe: candidates,
    isInFlight: inFlight.has,
    inFlight: inFlight.count,
    isFirstSync: () => false,
    room: 4,
    express: 0,
    ...turn,
  });
  return chosen.map(({ integrationId, kind, lane }) => `${integrationId} ${kind} ${lane}`);
}

test('leavers go before live changes, those before bulk, whatever their order in the table', () => {
  expect(choose([ripe('i', 'person', 2), ripe('i', 'person', 1), ripe('i', 'person', 0)])).toEqual([
    'i person 0',
    'i person 1',
    'i person 2',
  ]);
});

test('a bulk run of one integration leaves every second place to the other', () => {
  expect(choose([...many(9, 'big', 'person', 2), ...many(9, 'small', 'person', 2)])).toEqual([
    'big person 2',
    'small person 2',
    'big person 2',
    'small person 2',
  ]);
});

test('with no room left leavers and live changes still have places of their own', () => {
  const turn = { room: 0, express: 1 };
  expect(choose([ripe('i', 'person', 2), ripe('i', 'person', 0)], turn)).toEqual(['i person 0']);
  expect(choose([ripe('i', 'person', 2)], turn)).toEqual([]);
  expect(choose([ripe('i', 'person', 0)], { room: 0, express: 0 })).toEqual([]);
});

test('outside a first sync one unit and one role at a time, people beside them', () => {
  expect(choose([...many(2, 'i', 'unit', 1), ...many(2, 'i', 'role', 1), ripe('i', 'person', 1)])).toEqual([
    'i unit 1',
    'i role 1',
    'i person 1',
  ]);
});

test('in a first sync units and roles go side by side, and bulk people wait for them; live ones do not', () => {
  const firstSync = { isFirstSync: () => true, room: 9 };
  expect(choose([...many(2, 'i', 'unit', 2), ripe('i', 'role', 2), ripe('i', 'person', 2)], firstSync)).toEqual([
    'i unit 2',
    'i unit 2',
    'i role 2',
  ]);
  expect(choose([ripe('i', 'unit', 2), ripe('i', 'person', 1)], firstSync)).toEqual(['i person 1', 'i unit 2']);
  expect(choose([ripe('i', 'person', 2)], firstSync)).toEqual(['i person 2']);
});

test('what is in flight is not taken again', () => {
  const one = ripe('i', 'person', 1);
  const inFlight = new InFlight();
  inFlight.add(one);
  expect(choose([one], { isInFlight: inFlight.has })).toEqual([]);
  inFlight.delete(one);
  expect(inFlight.count('i', 'person')).toBe(0);
  expect(choose([one], { isInFlight: inFlight.has })).toHaveLength(1);
});

test('a row read while its object was still in flight is not taken: its generation may be that of a settled row', () => {
  const inFlight = new InFlight();
  const row = ripe('i', 'person', 1);
  inFlight.add(row);
  inFlight.beginReading();
  inFlight.delete(row);
  expect(inFlight.has(row)).toBe(false);
  expect(choose([row], { isInFlight: inFlight.mayBeStale })).toEqual([]);
  inFlight.beginReading();
  expect(choose([row], { isInFlight: inFlight.mayBeStale })).toEqual(['i person 1']);
});
