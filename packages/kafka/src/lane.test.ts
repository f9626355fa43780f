import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { AppError } from '@orgstream/core';
import { noLog } from './client.ts';
import { Lane } from './lane.ts';
import type { Batch, InRecord } from './port.ts';

const record = (offset: number): InRecord => ({
  offset,
  key: null,
  value: null,
  headers: {},
  timestampMs: offset * 10,
});
const records = (from: number, to: number): InRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A lane whose batches are finished by hand, and what it told its owner. */
function setUp(options: { maxBatchRecords?: number; maxQueuedRecords?: number } = {}) {
  const said: string[] = [];
  const errors: unknown[] = [];
  const batches: Batch[] = [];
  const slept: number[] = [];
  let finish = Promise.withResolvers<void>();
  const lane = new Lane({
    topic: 't',
    partition: 0,
    startOffset: 100,
    highWatermark: 500,
    maxBatchRecords: options.maxBatchRecords ?? 10,
    maxQueuedRecords: options.maxQueuedRecords ?? 1_000,
    onBatch: (batch) => {
      batches.push(batch);
      return finish.promise;
    },
    onFull: () => said.push('full'),
    onRoom: () => said.push('room'),
    onProgress: () => undefined,
    onError: (error) => errors.push(error),
    log: noLog,
    sleep: (ms, signal) => {
      slept.push(ms);
      // An hour stands for a back-off that only a stop ends.
      return ms < 3_600_000 ? Promise.resolve() : once(signal, 'abort').then(() => undefined);
    },
  });
  const settle = async (error?: unknown) => {
    const { resolve, reject } = finish;
    finish = Promise.withResolvers<void>();
    if (error === undefined) resolve();
    else reject(error);
    await turn();
  };
  const offsets = () => batches.map(({ records: all }) => [all[0]!.offset, all.at(-1)!.offset]);
  return { lane, said, errors, batches, slept, settle, offsets };
}

describe('completion', () => {
  test('one batch at a time, in order, of at most maxBatchRecords; only what is done is completed', async () => {
    const { lane, settle, offsets } = setUp();
    lane.push(records(100, 114), 115, 500);
    await turn();
    expect(offsets()).toEqual([[100, 109]]);
    expect([lane.position, lane.nextOffset]).toEqual([115, 100]);
    await settle();
    expect(offsets()).toEqual([
      [100, 109],
      [110, 114],
    ]);
    expect(lane.nextOffset).toBe(110);
    await settle();
    expect(lane.nextOffset).toBe(115);
  });

  test('offsets without records are completed with what lies before them', async () => {
    const { lane, settle } = setUp();
    lane.push([record(100), record(105)], 110, 500);
    await turn();
    lane.skipTo(120);
    expect(lane.nextOffset).toBe(100);
    await settle();
    expect([lane.nextOffset, lane.position]).toEqual([120, 120]);
    lane.skipTo(130);
    expect(lane.nextOffset).toBe(130);
    lane.skipTo(110);
    expect(lane.nextOffset).toBe(130);
  });

  test('records pushed while the last batch ends are handled too', async () => {
    const { lane, batches, settle } = setUp();
    for (let offset = 100; offset < 120; offset += 1) {
      lane.push([record(offset)], offset + 1, 500);
      await settle();
    }
    while (lane.nextOffset < 120) await settle();
    expect(batches.flatMap((batch) => batch.records.map(({ offset }) => offset))).toEqual(
      Array.from({ length: 20 }, (_, i) => 100 + i),
    );
  });

  test('drained to an end = nothing waits and the broker had nothing from our position to that end', async () => {
    const { lane, settle } = setUp();
    lane.sawEmpty(100, 500);
    expect(lane.drainedTo(500)).toBe(true);
    lane.push([record(100)], 101, 500);
    expect(lane.drainedTo(500)).toBe(false);
    lane.sawEmpty(100, 500); // an older answer
    await settle();
    expect(lane.drainedTo(500)).toBe(false);
    lane.sawEmpty(101, 500);
    expect(lane.drainedTo(500)).toBe(true);
    // A new leader that tells an old high watermark has nothing to give yet.
    expect(lane.drainedTo(501)).toBe(false);
    lane.sawEmpty(101, 501);
    expect(lane.drainedTo(501)).toBe(true);
  });

  test('progress tells the oldest record that is not done', async () => {
    const { lane, settle } = setUp({ maxBatchRecords: 1 });
    expect(lane.progress()).toMatchObject({ nextOffset: 100, oldestPendingMs: undefined, highWatermark: 500 });
    lane.push(records(100, 101), 102, 600);
    await turn();
    expect(lane.progress()).toMatchObject({ nextOffset: 100, oldestPendingMs: 1_000, highWatermark: 600 });
    await settle();
    expect(lane.progress()).toMatchObject({ nextOffset: 101, oldestPendingMs: 1_010 });
  });
});

describe('back-pressure', () => {
  test('full at the bound, room again at half of it, each told once', async () => {
    const { lane, said, settle } = setUp({ maxBatchRecords: 5, maxQueuedRecords: 20 });
    lane.push(records(100, 119), 120, 500);
    lane.push(records(120, 129), 130, 500);
    expect(said).toEqual(['full']);
    await turn();
    for (let done = 0; done < 3; done += 1) await settle();
    expect(said).toEqual(['full']);
    await settle();
    expect(said).toEqual(['full', 'room']);
  });
});

describe('failures', () => {
  test('a retry error repeats the same batch, nothing overtakes it; it waits as long as the error says', async () => {
    const { lane, batches, settle, errors, slept } = setUp({ maxBatchRecords: 2 });
    lane.push(records(100, 103), 104, 500);
    await turn();
    await settle(new AppError('POSTGRES_UNREACHABLE', 'x'));
    await settle(new AppError('TARGET_RATE_LIMITED', 'x', { waitMs: 60_000 }));
    for (let more = 0; more < 20; more += 1) await settle(new AppError('POSTGRES_UNREACHABLE', 'x'));
    expect(new Set(batches.map((batch) => batch.records))).toHaveProperty('size', 1);
    expect([lane.nextOffset, errors.length, batches.length]).toEqual([100, 0, 23]);
    expect(slept[1]).toBe(60_000);
    expect(Math.max(...slept.toSpliced(1, 1))).toBeLessThanOrEqual(10_000);
    await settle();
    expect(lane.nextOffset).toBe(102);
  });

  test.each([new AppError('TOPIC_REPLACED', 'x'), new AppError('FACT_INVALID', 'x'), new TypeError('x')])(
    '%s ends the consumer and completes nothing',
    async (error) => {
      const { lane, errors, settle, batches } = setUp({ maxBatchRecords: 1 });
      lane.push(records(100, 101), 102, 500);
      await turn();
      await settle(error);
      expect(errors).toEqual([error]);
      await turn();
      expect([lane.nextOffset, batches.length]).toEqual([100, 1]);
    },
  );
});

describe('losing the partition', () => {
  test('abort: the signal fires, and a handler that finishes late completes nothing', async () => {
    const { lane, batches, settle } = setUp();
    lane.push(records(100, 105), 106, 500);
    await turn();
    const settled = lane.abort();
    expect(batches[0]!.signal.aborted).toBe(true);
    await settle();
    await settled;
    expect(lane.nextOffset).toBe(100);
  });

  test('stop: the running batch completes, the next one does not begin', async () => {
    const { lane, batches, settle } = setUp({ maxBatchRecords: 2 });
    lane.push(records(100, 105), 106, 500);
    await turn();
    const settled = lane.stop();
    expect(batches[0]!.signal.aborted).toBe(false);
    await settle();
    await settled;
    lane.push(records(106, 107), 108, 500);
    await turn();
    expect([lane.nextOffset, batches.length]).toEqual([102, 1]);
  });

  test('stop ends a back-off at once', async () => {
    const { lane, settle } = setUp();
    lane.push(records(100, 101), 102, 500);
    await turn();
    await settle(new AppError('TARGET_RATE_LIMITED', 'x', { waitMs: 3_600_000 }));
    await lane.stop();
    expect(lane.nextOffset).toBe(100);
  });
});
