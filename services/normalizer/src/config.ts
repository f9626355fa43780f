import { CommonConfig, ConsumerConfig, DatabaseConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...ConsumerConfig.shape,
  DATABASE_URL: DatabaseConfig.shape.DATABASE_URL.optional().describe(
    'Our Postgres: postgres://user:password@host:port/database. Without it `renormalise` cannot be asked for; nothing else needs it.',
  ),
  NORMALIZER_GROUP: z
    .string()
    .min(1)
    .default('orgstream-normalizer')
    .describe('Consumer group; every replica uses the same.'),
  NORMALIZER_MAX_BATCH: whole(1, 10_000)
    .default(1_000)
    .describe('Records mapped and written together. More = throughput, less = memory.'),
});
export type Config = z.infer<typeof Config>;
