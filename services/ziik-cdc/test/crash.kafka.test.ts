import { expect, test } from 'vitest';
import { CdcContext, finalState } from '../test-support/cdc-context.ts';

test(
  'killed again and again while rows are written: every row is in Kafka, as it is in the table',
  { timeout: 120_000 },
  async () => {
    await using ctx = await CdcContext.open();
    let writing = true;
    let written = 0;
    const write = async (): Promise<void> => {
      while (writing) {
        written += 1;
        await ctx.sql.query(`insert into units (id, site_id, name) values ($1, $2, 'first')`, [
          written,
          1 + (written % 5),
        ]);
        await ctx.sql.query(`update units set name = $2 where id = $1`, [written - (written % 7), `v${written}`]);
      }
    };
    const writer = write();
    for (let round = 0; round < 3; round += 1) {
      const service = await ctx.startProcess();
      const target = written + 100;
      await ctx.untilState('running');
      while (written < target) await ctx.sql.query('select 1');
      await service.stop({ signal: 'SIGKILL' });
    }
    writing = false;
    await writer;
    await using _last = await ctx.startProcess();
    await ctx.untilPublished();
    const state = finalState(await ctx.rows());
    const { rows } = await ctx.sql.query<{ id: number; site: number; name: string }>(
      `select id::int, site_id::int as site, name from units`,
    );
    expect(state.size).toBe(rows.length);
    for (const { id, site, name } of rows) expect(state.get(`${ctx.tenant(site)}/units/${id}`)).toMatchObject({ name });
  },
);
