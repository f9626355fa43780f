import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CommitLog } from '../src/commit-log.ts';
import { createMetrics } from '../src/metrics.ts';
import { Publisher } from '../src/publisher.ts';
import type { Draft } from '../src/row-mapper.ts';
import { decoded, FakeProducer, jsonCodec } from '../test-support/fake-producer.ts';

function draft(siteId: number, id: number): Draft {
  const position = { epoch: 0, lsn: 0, seq: 0, last: false };
  return { position, committedAtMs: 0, snapshotId: null, chunk: null, deleted: false, id, siteId };
}

function open(producer: FakeProducer, options: { maxInFlightBytes?: number; onFull?: (full: boolean) => void } = {}) {
  return new Publisher({
    source: 'eu1',
    epoch: 3,
    flushedLsn: 0,
    partitions: 12,
    producer,
    codec: jsonCodec,
    metrics: createMetrics(new Registry()).of('eu1'),
    maxInFlightBytes: options.maxInFlightBytes ?? 1e9,
    onFull: options.onFull ?? (() => {}),
    onError: (error) => expect.unreachable(String(error)),
    onRefused: (facts) => expect.unreachable(JSON.stringify(facts)),
  });
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Transactions as lists of sites; commit i ends at LSN 100 * (i + 1). */
const transactions = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 8 }), { maxLength: 12 });

function publish(publisher: Publisher, sites: readonly number[], index: number): void {
  publisher.begin(100 * (index + 1) - 10, 1_000);
  sites.forEach((site, i) => publisher.add(site, 'units', 'ziik.Unit', draft(site, 1_000 * index + i)));
  publisher.commit(100 * (index + 1));
}

test('per tenant: order of commits, seq within the transaction, and exactly one last per transaction', async () => {
  await fc.assert(
    fc.asyncProperty(transactions, async (list) => {
      const producer = new FakeProducer();
      producer.auto();
      const publisher = open(producer);
      list.forEach((sites, index) => publish(publisher, sites, index));
      await settle();
      for (const site of [1, 2, 3, 4, 5, 6]) {
        const mine = producer.acknowledged.filter(({ key }) => key!.startsWith(`eu1.${site}/`)).map(decoded);
        const ids = mine.map(({ value }) => value['id'] as number);
        expect(ids).toEqual([...ids].sort((a, b) => a - b));
        list.forEach((sites, index) => {
          const seqs = sites.flatMap((one, i) => (one === site ? [i + 1] : []));
          const positions = mine
            .map(({ value }) => value['position'] as { lsn: number; seq: number; last: boolean; epoch: number })
            .filter(({ lsn }) => lsn === 100 * (index + 1) - 10);
          expect(positions).toEqual(
            seqs.map((seq, i) => ({ epoch: 3, lsn: 100 * (index + 1) - 10, seq, last: i === seqs.length - 1 })),
          );
        });
      }
      expect(publisher.flushedLsn).toBe(100 * list.length);
      expect(publisher.openCommits).toBe(0);
    }),
  );
});

test('the flushed LSN never passes a commit with a record that is not acknowledged, in any order of acknowledgements', async () => {
  await fc.assert(
    fc.asyncProperty(transactions, fc.infiniteStream(fc.nat()), async (list, choices) => {
      const producer = new FakeProducer();
      const publisher = open(producer);
      list.forEach((sites, index) => publish(publisher, sites, index));
      await settle();
      while (producer.waiting.length > 0) {
        const [append] = producer.waiting.splice(choices.next().value! % producer.waiting.length, 1);
        append!.ack();
        await settle();
        const keys = new Set(producer.acknowledged.map(({ key }) => key));
        const whole = list.findIndex((sites, index) =>
          sites.some((site, i) => !keys.has(`eu1.${site}/units/${1_000 * index + i}`)),
        );
        expect(publisher.flushedLsn).toBe(100 * (whole < 0 ? list.length : whole));
      }
      expect(producer.maxInFlightPerPartition).toBeLessThanOrEqual(1);
    }),
  );
});

test('a keepalive moves the flushed LSN only once everything before it is acknowledged, and never inside a transaction', async () => {
  const producer = new FakeProducer();
  const publisher = open(producer);
  publisher.pass(50);
  expect(publisher.flushedLsn).toBe(50);
  publish(publisher, [1], 0);
  publisher.pass(150);
  await settle();
  expect(publisher.flushedLsn).toBe(50);
  producer.auto();
  await settle();
  expect(publisher.flushedLsn).toBe(150);
  publisher.begin(190, 0);
  publisher.pass(195);
  expect(publisher.flushedLsn).toBe(150);
  publisher.commit(200);
  expect(publisher.flushedLsn).toBe(200);
});

test('above the limit it asks to stop, below half of it to go on', async () => {
  const producer = new FakeProducer();
  const asked: boolean[] = [];
  const publisher = open(producer, { maxInFlightBytes: 2_000, onFull: (full) => asked.push(full) });
  publish(
    publisher,
    Array.from({ length: 50 }, (_, i) => 1 + (i % 6)),
    0,
  );
  expect(asked).toEqual([true]);
  await settle();
  producer.auto();
  await publisher.drain(1_000);
  expect(asked).toEqual([true, false]);
  expect(publisher.inFlightBytes).toBe(0);
});

test('a hundred thousand commits in flight are passed in time that is linear', () => {
  const log = new CommitLog(0);
  const open_ = Array.from({ length: 100_000 }, (_, i) => {
    const pending = log.open();
    pending.count = 1;
    log.close(pending, i + 1);
    return pending;
  });
  for (const pending of open_) {
    pending.count = 0;
    log.advance();
  }
  expect(log.flushedLsn).toBe(100_000);
  expect(log.size).toBe(0);
});
