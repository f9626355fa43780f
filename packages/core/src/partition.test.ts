import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { murmur2, partitionOf } from './partition.ts';

describe('partition', () => {
  // Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('murmur2(%j) is what the Java client computes', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test('agrees with the default partitioner of kafkajs on any key', () => {
    const byKafkajs = kafkajs.Partitioners.DefaultPartitioner();
    const metadata = Array.from({ length: 12 }, (_, partitionId) => ({ partitionId, leader: 1 }));
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (key) => {
        const partition = byKafkajs({
          topic: 't',
          partitionMetadata: metadata as never,
          message: { key, value: null },
        });
        expect(partitionOf(key, 12)).toBe(partition);
      }),
    );
  });

  test('always within the topic', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 500 }), (tenant, n) => {
        const partition = partitionOf(tenant, n);
        expect(partition >= 0 && partition < n && Number.isInteger(partition)).toBe(true);
      }),
    );
  });
});
