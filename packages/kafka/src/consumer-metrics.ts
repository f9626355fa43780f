import { Gauge, type Registry } from 'prom-client';
import type { PartitionProgress } from './port.ts';

/**
 * Gauges of what a member of a consumer group has before it, read at each scrape: lag in records, its age in seconds, and
 * how many partitions the member has. A group whose partitions do not add up to the topic's reads nothing, and its lag
 * says 0.
 */
export function registerConsumerGauges(
  registry: Registry,
  consumergroup: string,
  progress: () => readonly PartitionProgress[],
): void {
  const registers = [registry];
  const perPartition = (name: string, help: string, value: (partition: PartitionProgress) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['consumergroup', 'topic', 'partition'],
      registers,
      collect() {
        this.reset();
        for (const one of progress()) {
          this.set({ consumergroup, topic: one.topic, partition: one.partition }, value(one));
        }
      },
    });
  perPartition('kafka_consumergroup_lag', 'Records not yet completed, as this member knows.', lagOf);
  perPartition('kafka_consumergroup_lag_seconds', 'Age of the oldest record read and not yet completed.', ageOf);
  void new Gauge({
    name: 'orgstream_consumer_partitions',
    help: 'Partitions this member of a consumer group reads; over all members they must add up to the topic’s.',
    labelNames: ['consumergroup'],
    registers,
    collect() {
      this.set({ consumergroup }, progress().length);
    },
  });
}

function lagOf({ highWatermark = 0, nextOffset = highWatermark }: PartitionProgress): number {
  return Math.max(0, highWatermark - nextOffset);
}

function ageOf({ oldestPendingMs }: PartitionProgress): number {
  return oldestPendingMs === undefined ? 0 : Math.max(0, Date.now() - oldestPendingMs) / 1_000;
}
