import { CommonConfig, ConsumerConfig, DatabaseConfig, SecretConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...ConsumerConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  DATABASE_POOL: whole(1, 100).default(12).describe('Postgres connections at most.'),
  BRIDGE_GROUP: z
    .string()
    .min(1)
    .default('orgstream-notification-bridge')
    .describe('Consumer group; every replica uses the same.'),
  BRIDGE_MAX_RECORDS: whole(1, 10_000)
    .default(1_000)
    .describe('Notifications written into the ledger together. More = throughput, less = memory.'),
  CALL_TIMEOUT_MS: whole(100, 120_000).default(10_000).describe('Deadline of one call to Ziik.'),
  LEASE_MS: whole(500, 120_000)
    .default(10_000)
    .describe(
      "Lease of a tenant. Shorter = a dead replica's tenants move sooner, longer = more patience with Postgres.",
    ),
  BRIDGE_RECEIVERS: whole(1, 100)
    .default(4)
    .describe('Receivers of one tenant that are served side by side; a receiver gets its messages one after another.'),
  ZIIK_CALLS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .default(120)
    .describe('Calls to Ziik of one channel at most; slowed down when Ziik says 429. 0 = no limit of ours.'),
  BRIDGE_POLL_MS: whole(50, 60_000)
    .default(1_000)
    .describe('How often the ledger is looked at without a notification of Postgres.'),
  RETRY_BASE_MS: whole(10, 60_000).default(1_000).describe('First back-off of a message; doubles with every failure.'),
  RETRY_CAP_MS: whole(100, 3_600_000).default(300_000).describe('Longest back-off of a message.'),
  LEDGER_RETENTION_DAYS: whole(8, 36_500)
    .default(90)
    .describe('Ended rows of the ledger are deleted after so long; longer than the 7 days of the topic.'),
});
export type Config = z.infer<typeof Config>;
