import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** kafkajs's own inside, as far as patches/kafkajs@2.2.4.patch changes it. */
const require = createRequire(import.meta.url);

interface RequestQueue {
  throttledUntil: number;
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
  maybeThrottle(ms: number): void;
  push(request: object): void;
  fulfillRequest(response: object): void;
  destroy(): void;
}
const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => RequestQueue;
const group = require('kafkajs/src/producer/groupMessagesPerPartition') as (
  options: object,
) => Record<number, unknown[]>;

let delays: number[];
let queue: RequestQueue;
let nextId = 0;

beforeEach(() => {
  vi.useFakeTimers();
  delays = [];
  const original = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms: number) => {
    delays.push(ms);
    return original(work, ms);
  }) as never);
  queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 30_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test',
    logger: { debug: () => undefined, warn: () => undefined },
  });
});
afterEach(() => {
  queue.destroy();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function send(): { id: number; sent: () => boolean } {
  const id = nextId++;
  let sent = false;
  const entry = { correlationId: id, resolve: () => undefined, reject: () => undefined };
  const sendRequest = () => {
    sent = true;
  };
  queue.push({ entry, expectResponse: true, sendRequest });
  return { id, sent: () => sent };
}

test('an idle connection arms no timer, after any number of requests (unpatched: one per millisecond, for ever)', () => {
  for (let requests = 0; requests < 50; requests += 1) {
    const { id, sent } = send();
    expect(sent()).toBe(true);
    queue.fulfillRequest({ correlationId: id, payload: {}, size: 1 });
  }
  vi.advanceTimersByTime(5_000);
  expect(delays).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a throttled request waits as long as the broker says, never a negative time, and the timer ends with it', () => {
  queue.maybeThrottle(500);
  const { id, sent } = send();
  expect([sent(), delays]).toEqual([false, [500]]);
  vi.advanceTimersByTime(600);
  expect(sent()).toBe(true);
  queue.fulfillRequest({ correlationId: id, payload: {}, size: 1 });
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(delays.every((ms) => ms > 0)).toBe(true);
});

test('a request behind another goes as soon as that one is answered', () => {
  const first = send();
  const second = send();
  expect(second.sent()).toBe(false);
  queue.fulfillRequest({ correlationId: first.id, payload: {}, size: 1 });
  expect(second.sent()).toBe(true);
});

test('grouping messages touches each once (unpatched: copies the array for every message)', () => {
  const messages = Array.from({ length: 100_000 }, (_, i) => ({ partition: i % 3 }));
  let copies = 0;
  const iterate = Array.prototype[Symbol.iterator];
  const spy = vi.spyOn(Array.prototype, Symbol.iterator as never).mockImplementation(function (this: unknown[]) {
    copies += 1;
    return iterate.call(this);
  } as never);
  const partitioner = ({ message }: { message: { partition: number } }) => message.partition;
  let grouped: Record<number, unknown[]>;
  try {
    grouped = group({ topic: 't', partitionMetadata: [{}], messages, partitioner });
  } finally {
    spy.mockRestore();
  }
  expect(copies).toBe(0);
  expect(Object.values(grouped).map(({ length }) => length)).toEqual([33_334, 33_333, 33_333]);
});
