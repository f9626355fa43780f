import { nextEpoch } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import { readSource, type SourceMapping } from '@orgstream/ziik-source';
import type pg from 'pg';
import type { ChangeReaderOptions } from './change-reader.ts';
import { requestAll } from './request-all.ts';
import { raiseEpoch } from './source-state.ts';

/**
 * What a TRUNCATE leads to: a new epoch, and a snapshot of every tenant. It removes nobody by itself: what a proved
 * snapshot does not find is swept by the sink, and its brake judges that.
 *
 *   TRUNCATE … commit │ snapshots asked for │ epoch up │ commit counts as published │ stream begins anew
 *
 * A crash before the last step reads the transaction again, and asks again: never not at all.
 */
export function createOnTruncated(options: {
  readonly db: Knex;
  readonly sql: pg.Client;
  readonly source: string;
  readonly mapping: SourceMapping;
  readonly log: Logger;
  /** What was published before this session: a TRUNCATE before it has been seen to. */
  readonly publishedLsn: number;
}): ChangeReaderOptions['onTruncated'] {
  const { db, sql, source, mapping, log, publishedLsn } = options;
  return async (table, endLsn) => {
    if (endLsn <= publishedLsn) return false;
    const tenants = await requestAll({ db, client: sql, source, mapping, reason: 'truncated', commandId: null });
    const epoch = nextEpoch((await readSource(db, source))!.epoch, Date.now());
    await raiseEpoch(db, source, epoch);
    log.warn({ code: 'SOURCE_TRUNCATED', table: table.table, tenants, epoch }, 'table truncated: new epoch');
    return true;
  };
}
