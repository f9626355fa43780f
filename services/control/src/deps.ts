import type { Knex } from '@orgstream/database';
import type { Logger, SecretBox } from '@orgstream/runtime';
import type { CommandWait } from './command-wait.ts';
import type { TopicLagReader } from './topic-lag.ts';

/** What the handlers work with. */
export interface Deps {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly topicLag: TopicLagReader;
  readonly commands: CommandWait;
  /** Deadline of one call to a platform. */
  readonly callTimeoutMs: number;
}
