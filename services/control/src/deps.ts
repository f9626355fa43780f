import type { Knex } from '@orgstream/database';
import type { Issuers } from '@orgstream/identity';
import type { Logger, SecretBox } from '@orgstream/runtime';
import type { CommandWait } from './command-wait.ts';
import type { Look } from './share-looks.ts';
import type { SourceSlot } from './source-lag.ts';
import type { TopicLagReader } from './topic-lag.ts';
import type { CheckVendorUrl } from './vendor-hosts.ts';

/** What the handlers work with. */
export interface Deps {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly topicLag: TopicLagReader;
  /** Shared: whoever asks, a source has one connection of ours at a time. */
  readonly sourceLag: Look<SourceSlot, number | null>;
  readonly commands: CommandWait;
  /** Who may say that somebody is an administrator of a Ziik. */
  readonly issuers: Issuers;
  /** Whom assertions for us are made out to. */
  readonly audience: string;
  readonly checkVendorUrl: CheckVendorUrl;
  /** Deadline of one call to a platform. */
  readonly callTimeoutMs: number;
}
