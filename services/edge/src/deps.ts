import type { Router } from 'express';
import type { Knex } from '@orgstream/database';
import type { Logger, SecretBox } from '@orgstream/runtime';
import type { Registry } from 'prom-client';
import type { Config } from './config.ts';

/** What all parts of the edge are given. */
export interface Deps {
  readonly config: Config;
  readonly db: Knex;
  readonly log: Logger;
  readonly secrets: SecretBox;
  readonly registry: Registry;
}

/** A part of the edge: what it answers, and what it does besides. */
export interface Part {
  readonly router: Router;
  /** Until the signal aborts; a rejection ends the process. */
  run(signal: AbortSignal): Promise<void>;
}
