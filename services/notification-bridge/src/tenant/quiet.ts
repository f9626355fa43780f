/**
 * Whether the channel `c` is quiet: by its switch, or while a run of its integration changes much (both vendors tell
 * their customers to silence notifications by hand then). A preview changes nothing; a run that is paused, or of which
 * only what an operator has to decide is left, may stay so for days and silences nobody.
 */
export const quietSql = `(c.quiet or (c.quiet_during_runs and (
  exists (select from sink.integration_state q
           where q.integration_id = c.integration_id and q.state in ('listing', 'planning', 'first_sync'))
  or exists (
    select from sink.run r
     where r.integration_id = c.integration_id and r.state = 'applying' and not r.dry_run and not r.paused
       and (not exists (select from sink.run_item h where h.run_id = r.id and h.state = 'held')
            or exists (select from sink.work w where w.run_id = r.id and w.state in ('ready', 'waiting')))))))`;
