import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createSinkMetrics } from '../metrics.ts';
import { SinkContext } from './fixture.ts';
import { readGauges } from './gauges.ts';

/** Lines of the metrics whose name begins so. */
async function shown(ctx: SinkContext, name: string): Promise<readonly string[]> {
  const registry = new Registry();
  createSinkMetrics(registry).gauges(await readGauges(ctx.db, () => Promise.resolve(0)));
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
}

test('open runs are shown by what they wait for, with how long the stillest has stood', async () => {
  await using ctx = await SinkContext.open();
  const integration = await ctx.integrate(await ctx.platform());
  await ctx.db.raw(
    `insert into sink.run (integration_id, kind, state, paused, updated_at)
     select :integration, 'sync', state, paused, now() - minutes * interval '1 min'
       from (values ('waiting_for_snapshot', false, 90), ('planned', false, 5), ('planned', false, 60), ('applying', false, 1),
                    ('applying', true, 600), ('done', false, 9000), ('failed', false, 9000)) as r (state, paused, minutes)`,
    { integration },
  );
  expect(await shown(ctx, 'orgstream_runs')).toEqual([
    'orgstream_runs{waits="snapshot"} 1',
    'orgstream_runs{waits="planning"} 0',
    'orgstream_runs{waits="approval"} 2',
    'orgstream_runs{waits="applying"} 1',
    'orgstream_runs{waits="paused"} 1',
  ]);
  const idle = (await shown(ctx, 'orgstream_run_idle_seconds')).map((line) =>
    Math.floor(Number(line.split(' ')[1]) / 60),
  );
  expect(idle).toEqual([90, 0, 60, 1, 600]);
});

test('where there is no integration nothing is unproved; one that was never compared is', async () => {
  await using ctx = await SinkContext.open();
  const provedAt = async (): Promise<number> =>
    Number((await shown(ctx, 'orgstream_in_sync_proof_timestamp_seconds'))[0]!.split(' ')[1]);
  expect(Date.now() / 1_000 - (await provedAt())).toBeLessThan(600);
  const integration = await ctx.integrate(await ctx.platform());
  await ctx.db.raw(
    `insert into sink.integration_state (integration_id, tenant, state) values (?, 'eu1.42', 'live') on conflict do nothing`,
    [integration],
  );
  expect(await provedAt()).toBe(0);
});
