import { AppError } from '@orgstream/core';
import type { Client } from 'pg';
import { readPublication, readServerFacts, readSlot, readTableFacts, type TableFacts } from './catalog.ts';
import { qualified, quoteIdentifier, type SourceMapping } from './mapping.ts';
import { checkPublication, checkServer, checkSlot, checkTables, type Finding } from './preflight.ts';

/** A source as far as setting it up goes. */
export interface SourceNames {
  readonly slot: string;
  readonly publication: string;
}

/** Everything to say about a source; `create` = slot and publication are still to be made. No error = may stream. */
export async function preflight(
  client: Client,
  source: SourceNames & { readonly mapping: SourceMapping },
  create: boolean,
): Promise<readonly Finding[]> {
  const server = await readServerFacts(client);
  const tables = await readTableFacts(client, source.mapping);
  const findings = [...checkServer(server, create), ...checkTables(source.mapping, tables, create)];
  if (create) return findings;
  return [
    ...findings,
    ...checkPublication(source.publication, source.mapping, await readPublication(client, source.publication)),
    ...checkSlot(source.slot, await readSlot(client, source.slot), false),
  ];
}

/** Throws the first finding that forbids streaming, with its action in the message. */
export function throwFirstError(findings: readonly Finding[]): void {
  const first = findings.find((finding) => finding.level === 'error');
  if (!first) return;
  const action = first.message.includes(first.action) ? '' : ` — ${first.action}`;
  throw new AppError(first.code, `${first.message}${action}`);
}

export interface CreatedSlot {
  /** Where the stream begins. */
  readonly consistentPoint: string;
}

/**
 * Makes publication and slot, dropping what has their names. The publication comes first: a slot decodes with the
 * catalogue of its time, and one that is older than its publication fails on every change in between.
 */
export async function recreateSlot(
  client: Client,
  source: SourceNames & { readonly mapping: SourceMapping },
): Promise<CreatedSlot> {
  await dropSlot(client, source);
  const { versionNum } = await readServerFacts(client);
  const facts = await readTableFacts(client, source.mapping);
  await client.query(publicationStatement(source, facts, versionNum));
  const { rows } = await client.query<{ lsn: string }>(
    versionNum >= 170_000
      ? `select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput', failover => true)`
      : `select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput')`,
    [source.slot],
  );
  return { consistentPoint: rows[0]!.lsn };
}

/** Removes slot and publication; what is not there is fine. Ends our own dead walsender that may still hold the slot. */
export async function dropSlot(client: Client, source: SourceNames): Promise<void> {
  await client.query(
    `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
      where slot_name = $1 and active_pid is not null`,
    [source.slot],
  );
  await client.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`, [
    source.slot,
  ]);
  await client.query(`drop publication if exists ${quoteIdentifier(source.publication)}`);
}

/**
 * Only the mapped columns leave the source: a column nobody asked for is never in the stream. A list must hold the whole
 * replica identity, and a table with REPLICA IDENTITY FULL takes none: else the *source's* UPDATE and DELETE fail.
 */
function publicationStatement(
  source: SourceNames & { readonly mapping: SourceMapping },
  facts: readonly TableFacts[],
  versionNum: number,
): string {
  const tables = source.mapping.map((table) => {
    const found = facts.find((one) => one.schema === table.schema && one.table === table.table);
    if (versionNum < 150_000 || !found || found.identity === 'f') return qualified(table);
    const columns = new Set([...table.columns.map(({ column }) => column), ...found.identityColumns]);
    return `${qualified(table)} (${[...columns].map(quoteIdentifier).join(', ')})`;
  });
  return `create publication ${quoteIdentifier(source.publication)} for table ${tables.join(', ')}
    with (publish = 'insert, update, delete, truncate')`;
}
