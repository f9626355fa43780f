import { expect, test } from 'vitest';
import { Lease } from './lease.ts';

function leaseUntil(deadline: number): { lease: Lease; at: (ms: number) => void } {
  let now = 0;
  const lease = new Lease({ key: 'p', token: 1, deadline, clock: () => now });
  return { lease, at: (ms) => (now = ms) };
}

test('nothing is written once the deadline has passed, until it is extended', () => {
  const { lease, at } = leaseUntil(100);
  at(99);
  expect(() => lease.assertHeld()).not.toThrow();
  at(100);
  expect(() => lease.assertHeld()).toThrowError(expect.objectContaining({ code: 'LEASE_LOST' }));
  lease.extend(200);
  expect(lease.held).toBe(true);
});

test('a lease that was dropped is never held again', () => {
  const { lease } = leaseUntil(100);
  lease.drop();
  lease.extend(1_000);
  expect(lease.held).toBe(false);
});
