import { CommonConfig, DatabaseConfig, KafkaConfig, SecretConfig } from '@orgstream/runtime';
import { z } from 'zod';

const count = (max: number) => z.coerce.number().int().min(1).max(max);
const milliseconds = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

export const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  DATABASE_POOL: count(100).default(12).describe('Postgres connections at most.'),
  BRIDGE_GROUP: z
    .string()
    .min(1)
    .default('orgstream-notification-bridge')
    .describe('Consumer group; every replica uses the same.'),
  BRIDGE_MAX_RECORDS: count(10_000)
    .default(1_000)
    .describe('Notifications written into the ledger together. More = throughput, less = memory.'),
  KAFKA_SESSION_TIMEOUT_MS: milliseconds(1_000, 300_000)
    .default(30_000)
    .describe('A replica silent for so long loses its partitions. Lower = a killed one is replaced sooner.'),
  CALL_TIMEOUT_MS: milliseconds(100, 120_000).default(10_000).describe('Deadline of one call to Ziik.'),
  LEASE_MS: milliseconds(500, 120_000)
    .default(10_000)
    .describe(
      "Lease of a tenant. Shorter = a dead replica's tenants move sooner, longer = more patience with Postgres.",
    ),
  BRIDGE_RECEIVERS: count(100)
    .default(4)
    .describe('Receivers of one tenant that are served side by side; a receiver gets its messages one after another.'),
  ZIIK_CALLS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .default(120)
    .describe('Calls to Ziik of one channel at most; slowed down when Ziik says 429. 0 = no limit of ours.'),
  BRIDGE_POLL_MS: milliseconds(50, 60_000)
    .default(1_000)
    .describe('How often the ledger is looked at without a notification of Postgres.'),
  RETRY_BASE_MS: milliseconds(10, 60_000)
    .default(1_000)
    .describe('First back-off of a message; doubles with every failure.'),
  RETRY_CAP_MS: milliseconds(100, 3_600_000).default(300_000).describe('Longest back-off of a message.'),
  LEDGER_RETENTION_DAYS: count(36_500)
    .min(8)
    .default(90)
    .describe('Ended rows of the ledger are deleted after so long; longer than the 7 days of the topic.'),
});
export type Config = z.infer<typeof Config>;
