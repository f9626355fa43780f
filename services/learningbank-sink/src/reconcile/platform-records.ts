import type { Knex, Lease } from '@orgstream/database';
import { type AttemptStart, openAttempts, type Refusal } from './attempt-store.ts';
import { answered, createBatcher } from './batcher.ts';
import { type LinkRecord, record, type Recorded } from './link-store.ts';
import { endWork, type WorkEnd } from './end-work.ts';

/** The writes of one owned platform, group-committed; one batch of each kind at a time. */
export interface PlatformRecords {
  readonly openAttempt: (start: AttemptStart) => Promise<number | Refusal>;
  readonly record: (record: LinkRecord) => Promise<Recorded>;
  /** Resolves once the claim has ended. */
  readonly endWork: (end: WorkEnd) => Promise<void>;
}

/** Rows in one statement at most. */
const maxRows = 200;

/** Group commit over the stores, fenced by the lease's token. `onWoken`: other work became ready by an end. */
export function createPlatformRecords(options: {
  readonly db: Knex;
  readonly lease: Lease;
  readonly onWoken: () => void;
}): PlatformRecords {
  const { db, lease } = options;
  const fence = { platform: lease.key, token: lease.token };
  return {
    openAttempt: createBatcher({
      max: maxRows,
      run: async (starts: readonly AttemptStart[]) => (await openAttempts(db, { ...fence, starts })).map(answered),
    }),
    record: createBatcher({
      max: maxRows,
      run: async (records: readonly LinkRecord[]) => (await record(db, { ...fence, records })).map(answered),
    }),
    endWork: createBatcher({
      max: maxRows,
      run: async (ends: readonly WorkEnd[]) => {
        if ((await endWork(db, { ...fence, ends })) > 0) options.onWoken();
        return ends.map(() => answered<void>(undefined));
      },
    }),
  };
}
