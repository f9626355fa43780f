import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '@orgstream/core';
import {
  BatchingPartitionWriter,
  maxRecordBytes,
  maxSendBytes,
  maxSendRecords,
  type PendingBatch,
} from './partition-writer.ts';
import type { OutRecord } from './port.ts';

/** A broker of one partition whose answers are given by hand. */
class Broker {
  readonly batches: PendingBatch[] = [];
  inFlight = 0;
  most = 0;
  pendingBytes = 0;
  #answer = Promise.withResolvers<void>();
  readonly writer = new BatchingPartitionWriter({
    topic: 't',
    partition: 3,
    now: () => 1_000,
    onBytes: (delta) => {
      this.pendingBytes += delta;
    },
    store: async (batch) => {
      this.batches.push(batch);
      this.inFlight += 1;
      this.most = Math.max(this.most, this.inFlight);
      await this.#answer.promise;
      this.inFlight -= 1;
    },
  });

  /** Acknowledges what is in flight; resolves when the next batch, if any, was sent. */
  async acknowledge(): Promise<void> {
    const { resolve } = this.#answer;
    this.#answer = Promise.withResolvers<void>();
    resolve();
    await turn();
  }

  get keys(): (string | null)[][] {
    return this.batches.map(({ messages }) => messages.map(({ key }) => key as string | null));
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const records = (...keys: string[]): OutRecord[] => keys.map((key) => ({ key, value: Buffer.from('v') }));

describe('batching', () => {
  test('an idle writer sends at once; what arrives in flight travels together', async () => {
    const broker = new Broker();
    const first = broker.writer.append(records('a'));
    await turn();
    expect(broker.keys).toEqual([['a']]);
    const rest = Promise.all([broker.writer.append(records('b', 'c')), broker.writer.append(records('d'))]);
    await turn();
    expect(broker.keys).toEqual([['a']]);
    await broker.acknowledge();
    await first;
    expect(broker.keys).toEqual([['a'], ['b', 'c', 'd']]);
    await broker.acknowledge();
    await rest;
    expect([broker.most, broker.pendingBytes]).toEqual([1, 0]);
  });

  test('appends of one turn of the loop share a send', async () => {
    const broker = new Broker();
    const all = [broker.writer.append(records('a')), broker.writer.append(records('b'))];
    await turn();
    expect(broker.keys).toEqual([['a', 'b']]);
    await broker.acknowledge();
    await Promise.all(all);
  });

  test('every message names its partition and carries the time of its append', async () => {
    const broker = new Broker();
    void broker.writer.append([{ key: null, value: null, headers: { h: '1' } }]);
    void broker.writer.append([{ key: 'k', value: null, timestampMs: 5 }]);
    await turn();
    expect(broker.batches[0]!.messages).toEqual([
      { key: null, value: null, partition: 3, timestamp: '1000', headers: { h: '1' } },
      { key: 'k', value: null, partition: 3, timestamp: '5' },
    ]);
  });

  test('property: all records arrive once, in order, in batches within the limits, one in flight', async () => {
    const sizes = fc.array(fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 30 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 3 }), async (appends, pause) => {
        const broker = new Broker();
        let id = 0;
        const done: Promise<void>[] = [];
        for (const append of appends) {
          done.push(broker.writer.append(append.map((size) => ({ key: String(id++), value: Buffer.alloc(size) }))));
          for (let i = 0; i < pause; i += 1) await broker.acknowledge();
        }
        while (broker.pendingBytes > 0) await broker.acknowledge();
        await Promise.all(done);
        expect(broker.keys.flat()).toEqual(Array.from({ length: id }, (_, at) => String(at)));
        expect(broker.most).toBeLessThanOrEqual(1);
        for (const { messages, bytes } of broker.batches) {
          expect(messages.length).toBeLessThanOrEqual(maxSendRecords);
          expect(bytes).toBeLessThanOrEqual(maxSendBytes);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('more than a send takes is split, and resolves with its last part', async () => {
    const broker = new Broker();
    let stored = false;
    const many = Array.from({ length: 2 * maxSendRecords + 1 }, (_, i) => ({ key: String(i), value: null }));
    const all = broker.writer.append(many).then(() => {
      stored = true;
    });
    await turn();
    expect(broker.batches.map(({ messages }) => messages.length)).toEqual([maxSendRecords]);
    await broker.acknowledge();
    await broker.acknowledge();
    expect(stored).toBe(false);
    await broker.acknowledge();
    await all;
    expect(broker.batches.map(({ messages }) => messages.length)).toEqual([maxSendRecords, maxSendRecords, 1]);
  });
});

describe('failing', () => {
  test('a record no broker takes is refused alone', async () => {
    const broker = new Broker();
    const huge = broker.writer.append([...records('a'), { key: 'b', value: Buffer.alloc(maxRecordBytes) }]);
    await expect(huge).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    const next = broker.writer.append(records('c'));
    await turn();
    expect(broker.keys).toEqual([['c']]);
    await broker.acknowledge();
    await next;
  });

  test('a final rejection rejects all that waits and everything later: no hole is written behind', async () => {
    const calls: PendingBatch[] = [];
    const writer = new BatchingPartitionWriter({
      topic: 't',
      partition: 0,
      onBytes: () => undefined,
      store: (batch) => {
        calls.push(batch);
        return Promise.reject(new AppError('TOPIC_MISSING', 'appending'));
      },
    });
    const first = writer.append(records('a'));
    await expect(first).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(writer.append(records('b'))).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    expect(calls).toHaveLength(1);
  });

  test('closing rejects what waits, also what is in flight, and counts its bytes back', async () => {
    const broker = new Broker();
    const appends = [broker.writer.append(records('a'))];
    await turn();
    appends.push(broker.writer.append(records('b')));
    broker.writer.fail(new AppError('KAFKA_CLIENT_DEAD', 'closed'));
    for (const append of appends) await expect(append).rejects.toMatchObject({ code: 'KAFKA_CLIENT_DEAD' });
    await broker.acknowledge();
    expect([broker.keys, broker.pendingBytes]).toEqual([[['a']], 0]);
  });

  test('nothing to append is stored already', async () => {
    await expect(new Broker().writer.append([])).resolves.toBeUndefined();
  });
});
