import { CommonConfig, DatabaseConfig, KafkaConfig, SecretConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  CDC_CHUNK_ROWS: whole(1, 100_000)
    .default(5_000)
    .describe('Rows of one snapshot chunk. More = faster snapshots, more memory and longer waits of live changes.'),
  CDC_MAX_IN_FLIGHT_BYTES: whole(1_000, 1_000_000_000)
    .default(8_000_000)
    .describe('Bytes per source handed to Kafka and not acknowledged; above it the source is read no further.'),
  CDC_HEARTBEAT_MS: whole(100, 300_000)
    .default(10_000)
    .describe(
      'Interval of heartbeats at the source. Less = an idle slot keeps less WAL, a dead connection shows sooner.',
    ),
  CDC_CHECK_MS: whole(100, 3_600_000)
    .default(15_000)
    .describe('Interval of the check of slot and publication. Tables are checked at start and hourly.'),
  CDC_FLUSH_MS: whole(10, 60_000)
    .default(250)
    .describe('Interval at which the published position is stored and the slot told.'),
  CDC_RECHECK_MS: whole(100, 3_600_000)
    .default(60_000)
    .describe('Interval at which a halted source is tried again that may have been put right.'),
  CDC_POLL_MS: whole(50, 60_000).default(1_000).describe('Interval at which new sources and commands are looked for.'),
});
export type Config = z.infer<typeof Config>;
