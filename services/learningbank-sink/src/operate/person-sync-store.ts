import type { Knex } from '@orgstream/database';
import { goneSql } from '../ingest/columns.ts';
import { query } from '../ingest/query.ts';
import { lanes } from '../model.ts';

/**
 * Makes a person's work live and due now, lifted out of the gap; true when there is something to do. Left as they are: what
 * is held or a match case (an operator decides), whose facts are rejected, who has left (leavers have their own lane), who
 * is linked and in step, and everybody of a disabled integration. Half a transaction does not become ripe by this.
 */
export async function markPersonNow(tx: Knex, integrationId: string, person: string): Promise<boolean> {
  const rows = await query<unknown>(
    tx,
    `insert into sink.work as w (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
     select i.id, 'person', p.id, ${lanes.live}, p.epoch, p.lsn, now()
       from control.integration i
       join sink.person p on p.tenant = i.tenant and p.id = ?
      where i.id = ? and i.enabled and i.product = 'sync' and p.log_offset >= 0 and p.rejected_code is null and not ${goneSql('p')}
        and not exists (select from sink.erased e where e.tenant = i.tenant and e.person_id = p.id)
        and (not exists (select from sink.link l where l.integration_id = i.id and l.kind = 'person' and l.id = p.id)
             or exists (select from sink.work k where k.integration_id = i.id and k.kind = 'person' and k.id = p.id))
     on conflict (integration_id, kind, id) do update set
       lane = least(w.lane, excluded.lane), for_run = null,
       own_lane = case when w.run_id is not null then least(w.own_lane, excluded.lane) end,
       state = 'ready', code = null, detail = null, waits_kind = null, waits_id = null, attempts = 0,
       next_at = case when w.ripe then now() else w.next_at end, generation = nextval('sink.work_generation')
      where w.state not in ('held', 'conflict')
     returning w.id`,
    [person, integrationId],
  );
  return rows.length > 0;
}
