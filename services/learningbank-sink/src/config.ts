import { CommonConfig, ConsumerConfig, DatabaseConfig, SecretConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...ConsumerConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  DATABASE_POOL: whole(1, 100).default(12).describe('Postgres connections at most.'),
  INGEST_GROUP: z
    .string()
    .min(1)
    .default('learningbank-sink')
    .describe('Consumer group of ingest; every replica uses the same.'),
  INGEST_MAX_RECORDS: whole(1, 10_000)
    .default(1_000)
    .describe('Records in one ingest transaction. More = throughput, less = latency.'),
  PLATFORM_CONCURRENCY: whole(1, 100).default(16).describe('Calls under way at once per platform.'),
  PLATFORM_OBJECTS: whole(1, 1_000)
    .default(128)
    .describe('Objects in work at once per platform; a quarter more for leavers and live changes.'),
  PLATFORM_CALLS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      'Calls a minute and platform at most. 0 = as fast as the platform takes them: the rate is found by its 429 answers.',
    ),
  CALL_TIMEOUT_MS: whole(100, 120_000).default(10_000).describe('Deadline of one call to Learningbank.'),
  LEASE_MS: whole(500, 120_000)
    .default(10_000)
    .describe(
      "Lease of a platform. Shorter = a dead replica's platforms move sooner, longer = more patience with Postgres.",
    ),
  WORK_POLL_MS: whole(50, 60_000)
    .default(500)
    .describe(
      'How often work is looked for without a notification; on a platform where nothing is due, a tenth as often.',
    ),
  SWEEP_MS: whole(100, 600_000)
    .default(1_000)
    .describe('How often waiting and parked objects are looked for whose time to be looked at again has come.'),
  CATALOGUE_MS: whole(1_000, 86_400_000)
    .default(600_000)
    .describe("How often a platform's defaults and job profiles are read anew."),
  RETRY_BASE_MS: whole(10, 60_000).default(500).describe('First back-off of an object; doubles with every failure.'),
  RETRY_CAP_MS: whole(100, 3_600_000).default(60_000).describe('Longest back-off of an object.'),
  MAX_ATTEMPTS: whole(1, 100)
    .default(8)
    .describe('Failed tries after which an object is parked as UNEXPECTED. An open breaker burns none.'),
  ATTEMPT_RETENTION_DAYS: whole(1, 36_500)
    .default(400)
    .describe(
      'Attempts and items of runs are deleted after so long: they hold names and addresses. What is gone cannot be undone.',
    ),
});
export type Config = z.infer<typeof Config>;
