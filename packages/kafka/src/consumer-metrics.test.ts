import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerConsumerGauges } from './consumer-metrics.ts';
import type { PartitionProgress } from './port.ts';

test('lag, its age and the partitions of a member, as they are when it is asked', async () => {
  const registry = new Registry();
  let progress: readonly PartitionProgress[] = [];
  registerConsumerGauges(registry, 'g', () => progress);
  const read = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  expect(await read()).toEqual(['orgstream_consumer_partitions{consumergroup="g"} 0']);

  const topic = 't';
  progress = [
    { topic, partition: 0, nextOffset: 40, highWatermark: 50, oldestPendingMs: Date.now() - 3_600_000 },
    { topic, partition: 3, nextOffset: undefined, highWatermark: 50, oldestPendingMs: undefined },
  ];
  const lines = await read();
  expect(lines).toContain('orgstream_consumer_partitions{consumergroup="g"} 2');
  expect(lines).toContain('kafka_consumergroup_lag{consumergroup="g",topic="t",partition="0"} 10');
  expect(lines).toContain('kafka_consumergroup_lag{consumergroup="g",topic="t",partition="3"} 0');
  expect(lines).toContain('kafka_consumergroup_lag_seconds{consumergroup="g",topic="t",partition="3"} 0');
  const age = lines.find((line) => line.includes('lag_seconds') && line.includes('partition="0"'));
  expect(Number(age?.split(' ')[1])).toBeGreaterThanOrEqual(3_600);

  progress = progress.slice(0, 1);
  expect((await read()).filter((line) => line.includes('partition="3"'))).toEqual([]);
});
