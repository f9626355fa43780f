import { CommonConfig, DatabaseConfig, KafkaConfig } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  DATABASE_URL: DatabaseConfig.shape.DATABASE_URL.optional().describe(
    'Our Postgres: postgres://user:password@host:port/database. Without it `renormalise` cannot be asked for; nothing else needs it.',
  ),
  NORMALIZER_GROUP: z
    .string()
    .min(1)
    .default('orgstream-normalizer')
    .describe('Consumer group; every replica uses the same.'),
  KAFKA_SESSION_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(300_000)
    .default(30_000)
    .describe('A replica silent for so long loses its partitions. Lower = a killed one is replaced sooner.'),
  NORMALIZER_MAX_BATCH: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Records mapped and written together. More = throughput, less = memory.'),
});
export type Config = z.infer<typeof Config>;
