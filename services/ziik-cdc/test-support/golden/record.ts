// Records the golden bytes of the pgoutput decoder from a real server: node services/ziik-cdc/test-support/golden/record.ts
import { writeFileSync } from 'node:fs';
import { startOwnPostgres } from '@orgstream/testkit';
import pg from 'pg';
import { steps, tables } from './scenario.ts';

await using server = await startOwnPostgres();
const client = new pg.Client({ connectionString: server.url, options: '-c timezone=UTC' });
await client.connect();
await client.query(tables);
await client.query(`select pg_create_logical_replication_slot('golden', 'pgoutput')`);
const recorded = [];
for (const sql of steps) {
  await client.query(sql);
  await client.query(`select pg_switch_wal()`); // a message without a transaction is flushed by nobody else
  const { rows } = await client.query(
    `select lsn::text, xid::text, encode(data, 'hex') as hex from pg_logical_slot_get_binary_changes('golden', null, null,
       'proto_version', '1', 'publication_names', 'golden', 'messages', 'true')`,
  );
  recorded.push({ sql: sql.length > 200 ? `${sql.slice(0, 60)} …` : sql, messages: rows });
}
const { rows } = await client.query(`select current_setting('server_version') as version`);
await client.end();
const file = new URL('./pgoutput.json', import.meta.url);
writeFileSync(file, `${JSON.stringify({ server: rows[0].version, steps: recorded }, undefined, 1)}\n`);
console.log(`${recorded.length} steps of PostgreSQL ${rows[0].version}`);
