import type { Knex } from '@orgstream/database';

/** Commands are given this long to be taken by an owner: an integration may just be logging in. */
const patienceMs = 3_000;

/**
 * Answers commands that no owner of a platform will ever take: the integration is gone, or has not logged in yet. Any
 * replica may do it. Returns how many.
 */
export async function answerOrphans(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update control.command c
        set state = 'failed', updated_at = now(),
            code = case when s.integration_id is null then 'NOT_FOUND' else 'RUN_STATE' end,
            message = case when s.integration_id is null then 'no such integration' else 'the integration has not logged in to its platform yet' end
       from control.command o
       left join sink.integration_state s on cast(s.integration_id as text) = o.payload ->> 'integration'
      where c.id = o.id and o.addressee = 'learningbank-sink' and o.kind in ('run.start', 'run.decide', 'objects.act', 'explain')
        and o.state = 'new' and c.state = 'new' and o.created_at < now() - :patienceMs * interval '1 ms' and s.platform is null
      returning 1`,
    { patienceMs },
  );
  return rows.length;
}
