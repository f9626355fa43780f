import type { ErrorCode } from '@orgstream/core';
import type { ServerFacts, SlotFacts, TableFacts } from './catalog.ts';
import { qualified, quoteIdentifier, type MappedTable, type SourceMapping } from './mapping.ts';

/** One thing a preflight has to say. `error` = cannot stream; `action` is what the operator can paste or do. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly action: string;
}

const error = (code: ErrorCode, message: string, action: string): Finding => ({
  level: 'error',
  code,
  message,
  action,
});
const warning = (code: ErrorCode, message: string, action: string): Finding => ({
  level: 'warning',
  code,
  message,
  action,
});

/** Checks the server and our role. `create` = slot and publication are still to be made. */
export function checkServer(server: ServerFacts, create: boolean): readonly Finding[] {
  const findings: Finding[] = [];
  if (server.walLevel !== 'logical') {
    findings.push(
      error(
        'WAL_LEVEL_TOO_LOW',
        `wal_level is ${server.walLevel}`,
        'ALTER SYSTEM SET wal_level = logical; then restart the server',
      ),
    );
  }
  if (server.versionNum < 140_000) {
    findings.push(error('SOURCE_NOT_READY', 'PostgreSQL is older than 14', 'upgrade the source'));
  }
  if (server.inRecovery) {
    findings.push(error('SOURCE_NOT_READY', 'the server is a standby', 'use the URL of the primary'));
  }
  if (!server.mayReplicate) {
    findings.push(
      error('SOURCE_GRANT_MISSING', 'the role may not replicate', 'ALTER ROLE <role of the URL> REPLICATION'),
    );
  }
  if (create && !server.mayCreatePublication) {
    findings.push(
      error(
        'SOURCE_GRANT_MISSING',
        'the role may not create a publication',
        'GRANT CREATE ON DATABASE <database of the URL> TO <role of the URL>',
      ),
    );
  }
  if (create && server.walLevel === 'logical' && (server.freeSlots < 1 || server.freeSenders < 1)) {
    findings.push(
      error(
        'SOURCE_NOT_READY',
        'no free replication slot or WAL sender',
        'raise max_replication_slots and max_wal_senders, or drop slots that nobody uses',
      ),
    );
  }
  return [...findings, ...checkRetention(server)];
}

function checkRetention(server: ServerFacts): readonly Finding[] {
  const findings: Finding[] = [];
  if (server.maxSlotWalKeepMb < 0) {
    findings.push(
      warning(
        'SOURCE_NOT_READY',
        'max_slot_wal_keep_size is unlimited: while orgstream is down, WAL may fill the disk of the source',
        'set max_slot_wal_keep_size to what the disk can spare, enough for the longest outage',
      ),
    );
  }
  if (server.idleSlotTimeoutSeconds > 0 && server.idleSlotTimeoutSeconds < 86_400) {
    findings.push(
      warning(
        'SOURCE_NOT_READY',
        'idle_replication_slot_timeout is below a day: a longer outage costs a full snapshot',
        'set idle_replication_slot_timeout to 0 or at least 1d',
      ),
    );
  }
  return findings;
}

/** Checks the captured tables: they exist, with their columns, readable, and a deletion names its tenant. */
export function checkTables(mapping: SourceMapping, facts: readonly TableFacts[], create: boolean): readonly Finding[] {
  return mapping.flatMap((table) => {
    const found = facts.find((one) => one.schema === table.schema && one.table === table.table);
    if (!found) {
      return [
        error(
          'SOURCE_SCHEMA_MISMATCH',
          `table ${qualified(table)} is missing`,
          `create it, or name the right one in the mapping file (tables.${table.name}.table)`,
        ),
      ];
    }
    return [...checkColumns(table, found), ...checkGrants(table, found, create), ...checkIdentity(table, found)];
  });
}

function checkColumns(table: MappedTable, facts: TableFacts): readonly Finding[] {
  const missing = table.columns.filter(({ column }) => facts.columns[column] === undefined);
  return missing.map(({ field, column }) =>
    error(
      'SOURCE_SCHEMA_MISMATCH',
      `table ${qualified(table)} has no column ${quoteIdentifier(column)}`,
      `name the right one in the mapping file (tables.${table.name}.columns.${field}), null if there is none`,
    ),
  );
}

function checkGrants(table: MappedTable, facts: TableFacts, create: boolean): readonly Finding[] {
  const findings: Finding[] = [];
  if (!facts.mayselect) {
    findings.push(
      error(
        'SOURCE_GRANT_MISSING',
        `the role may not read ${qualified(table)}`,
        `GRANT SELECT ON ${qualified(table)} TO <role of the URL>`,
      ),
    );
  }
  if (create && !facts.owned) {
    findings.push(
      error(
        'SOURCE_GRANT_MISSING',
        `the role does not own ${qualified(table)}, which publishing it takes`,
        `GRANT <owner of the table> TO <role of the URL>, or let the owner create the publication`,
      ),
    );
  }
  return findings;
}

/** The replica identity must hold tenant and id: a deletion carries nothing else. */
function checkIdentity(table: MappedTable, facts: TableFacts): readonly Finding[] {
  const needed = [...new Set([table.tenantColumn, table.idColumn])];
  if (needed.every((column) => facts.identityColumns.includes(column))) return [];
  return [
    error(
      'REPLICA_IDENTITY_LACKS_TENANT',
      `the replica identity of ${qualified(table)} lacks ${needed.join(' or ')}: ${identityStatement(table, facts)}`,
      identityStatement(table, facts),
    ),
  ];
}

function identityStatement(table: MappedTable, facts: TableFacts): string {
  const name = qualified(table);
  if (facts.candidateIndex !== null) {
    return `ALTER TABLE ${name} REPLICA IDENTITY USING INDEX ${quoteIdentifier(facts.candidateIndex)}`;
  }
  const columns = [table.tenantColumn, table.idColumn].map(quoteIdentifier).join(', ');
  const index = quoteIdentifier(`${table.table}_${table.tenantColumn}_${table.idColumn}_key`);
  return (
    `ALTER TABLE ${name} ALTER COLUMN ${quoteIdentifier(table.tenantColumn)} SET NOT NULL; ` +
    `CREATE UNIQUE INDEX CONCURRENTLY ${index} ON ${name} (${columns}); ` +
    `ALTER TABLE ${name} REPLICA IDENTITY USING INDEX ${index}`
  );
}

/** Checks that the publication exists and carries every mapped column. */
export function checkPublication(
  publication: string,
  mapping: SourceMapping,
  published: ReadonlyMap<string, readonly string[]> | undefined,
): readonly Finding[] {
  const action = 'orgstream snapshot --source <source>';
  if (!published) return [error('PUBLICATION_MISSING', `publication ${publication} is missing`, action)];
  return mapping.flatMap((table) => {
    const columns = published.get(`${table.schema}.${table.table}`);
    const name = qualified(table);
    if (!columns) return [error('PUBLICATION_MISSING', `publication ${publication} lacks table ${name}`, action)];
    const missing = columns[0] === '*' ? [] : table.columns.filter(({ column }) => !columns.includes(column));
    return missing.map(({ column }) =>
      error('PUBLICATION_MISSING', `publication ${publication} lacks column ${column} of ${name}`, action),
    );
  });
}

/** Judges a slot that must exist. `publishedLsn` = what is in Kafka: a slot past it was moved by somebody else. */
export function checkSlot(name: string, slot: SlotFacts | undefined, pastPublished: boolean): readonly Finding[] {
  const lost = (why: string): readonly Finding[] => [
    error('SLOT_LOST', `replication slot ${name} ${why}: changes are lost`, 'orgstream snapshot --source <source>'),
  ];
  if (!slot) return lost('is missing');
  if (slot.plugin !== 'pgoutput' || !slot.sameDatabase) return lost('belongs to something else');
  if (slot.invalidationReason !== null) return lost(`was invalidated (${slot.invalidationReason})`);
  if (slot.walStatus === 'lost') return lost('lost its WAL');
  if (pastPublished) return lost('was moved past what is published');
  return [];
}
