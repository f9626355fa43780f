import type { Knex } from '@orgstream/database';

/** How far one partition of `ziik.changes` has been read again. */
interface RedoSpan {
  readonly from: number;
  /** First offset that was not there when the command was taken. */
  readonly until: number;
  /** Next record to read; null = nobody has gone back yet. Only rises. */
  readonly next: number | null;
}

/** A `renormalise` command that is being carried out: its result says how far each partition has come. */
export interface Redo {
  readonly command: number;
  readonly spans: ReadonlyMap<number, RedoSpan>;
}

interface Result {
  readonly partitions: Readonly<Record<string, RedoSpan>>;
}

/** The command that is being carried out, by whichever replicas. */
export async function readRedo(db: Knex): Promise<Redo | undefined> {
  const { rows } = await db.raw<{ rows: { id: string; result: Result }[] }>(
    `select id, result from control.command
      where addressee = 'normalizer' and kind = 'renormalise' and state = 'running' order by id limit 1`,
  );
  const row = rows[0];
  if (!row) return undefined;
  const spans = Object.entries(row.result.partitions).map(([partition, span]) => [Number(partition), span] as const);
  return { command: Number(row.id), spans: new Map(spans) };
}

/** Whether a command waits to be begun; one is carried out at a time. */
export async function isRedoAsked(db: Knex): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { asked: boolean }[] }>(
    `select exists (select from control.command where addressee = 'normalizer' and kind = 'renormalise' and state = 'new')
        and not exists (select from control.command where addressee = 'normalizer' and kind = 'renormalise' and state = 'running')
         as asked`,
  );
  return rows[0]!.asked;
}

/** Begins the oldest command. Whoever comes second begins nothing: the row lock makes it wait, and then it is running. */
export async function beginRedo(
  db: Knex,
  spans: readonly { readonly partition: number; readonly low: number; readonly high: number }[],
): Promise<void> {
  const partitions = Object.fromEntries(
    spans
      .filter(({ low, high }) => low < high)
      .map(({ partition, low, high }) => [partition, { from: low, until: high, next: null }]),
  );
  const total = spans.reduce((sum, { low, high }) => sum + high - low, 0);
  await db.raw(
    `update control.command set state = 'running', result = ?, updated_at = now()
      where state = 'new' and id = (select id from control.command
                                     where addressee = 'normalizer' and kind = 'renormalise' and state = 'new'
                                     order by id limit 1 for update)`,
    [JSON.stringify({ total, done: 0, partitions })],
  );
}

/** Stores how far partitions have come; never back, and all of them in one statement. */
export async function moveRedo(db: Knex, command: number, next: ReadonlyMap<number, number>): Promise<void> {
  await db.raw(
    `update control.command c set updated_at = now(), result = c.result || jsonb_build_object('partitions',
        (select jsonb_object_agg(p.key, p.value || jsonb_build_object('next',
                  greatest((p.value ->> 'next')::bigint, (cast(:next as jsonb) ->> p.key)::bigint)))
           from jsonb_each(c.result -> 'partitions') p))
      where c.id = :command and c.state = 'running' and c.result -> 'partitions' <> '{}'`,
    { command, next: JSON.stringify(Object.fromEntries(next)) },
  );
  await db.raw(
    `update control.command c
        set result = c.result || jsonb_build_object('done', p.done),
            state = case when p.left then 'running' else 'done' end, updated_at = now()
       from (select k.id, coalesce(sum((s.value ->> 'next')::bigint - (s.value ->> 'from')::bigint), 0) as done,
                    coalesce(bool_or(coalesce((s.value ->> 'next')::bigint, -1) < (s.value ->> 'until')::bigint), false) as left
               from control.command k left join lateral jsonb_each(k.result -> 'partitions') s on true
              where k.id = :command group by k.id) p
      where c.id = p.id and c.state = 'running'`,
    { command },
  );
}
