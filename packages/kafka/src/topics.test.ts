import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Kafka, ReadOptions } from './port.ts';
import { readGeneration } from './topics.ts';

test('generations that cannot be read in time are asked again, not taken for another topic', async () => {
  const slow = {
    read: async ({ signal }: ReadOptions): Promise<number> => {
      await once(signal, 'abort'); // an aborted read ends early, without an error
      return 0;
    },
  } as Partial<Kafka> as Kafka;
  await expect(readGeneration(slow, 't', 1)).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    disposition: 'retry',
  });
});
