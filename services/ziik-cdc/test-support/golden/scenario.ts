/** What the golden bytes are a recording of. Each step is one transaction; order and values are what the test asserts. */
export const tables = `
  create table plain (id bigint primary key, site_id bigint not null, name text, active boolean, at timestamptz, n integer);
  create unique index plain_key on plain (site_id, id);
  alter table plain replica identity using index plain_key;
  create table whole (id bigint primary key, site_id bigint not null, name text);
  alter table whole replica identity full;
  create publication golden for all tables;
`;

/** 3 000 characters that do not compress: stored out of line. */
const large = `(select string_agg(chr(19968 + (i * 7919) % 20000), '' order by i) from generate_series(1, 3000) i)`;

export const steps = [
  `insert into plain values (1, 5, 'Åse 👩‍🍳', true, '2024-02-29 12:34:56.789+00', -7)`,
  `insert into plain values (2, 5, null, false, null, null)`,
  `update plain set name = 'Bo' where id = 1`,
  `update plain set site_id = 6 where id = 1`,
  `delete from plain where id = 1`,
  `insert into whole values (1, 5, ${large})`,
  `update whole set site_id = 6 where id = 1`,
  `delete from whole where id = 1`,
  `insert into plain values (3, 5, ${large}, true, 'infinity', 0)`,
  `update plain set active = false where id = 3`,
  `begin; insert into plain values (4, 7, 'x'); insert into whole values (4, 7, 'y'); commit`,
  `select pg_logical_emit_message(true, 'orgstream', 'low:æ')`,
  `select pg_logical_emit_message(false, 'orgstream', 'heartbeat')`,
  `truncate plain, whole`,
  `alter table plain add column extra text; insert into plain values (9, 5, 'z', true, null, null, 'e')`,
] as const;
