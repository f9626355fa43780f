import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from '../reconcile/fixture.ts';
import { crowd, Operator } from './fixture.ts';

const people = 20_000;

test(
  'someone leaves in the middle of a run of 20,000 people: deactivated within two calls',
  { timeout: 240_000 },
  async () => {
    await using ctx = await SinkContext.open();
    const platform = await ctx.platform();
    const integration = await ctx.integrate(platform);
    const operator = new Operator(ctx, integration);
    await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'));
    for (let n = 0; n < people; n += 1_000) await ctx.commit(...crowd(`p${n / 1_000}-`, 1_000));
    await platform.fault({ kind: 'latency', ms: 100 });
    ctx.start({ concurrency: 1 });
    await ctx.prove();
    const run = await operator.latest('sync', 'applying');
    expect(run.counts['items']).toBe(people + 2);
    const linked = async (): Promise<string | undefined> => {
      const { rows } = await ctx.db.raw<{ rows: { id: string }[] }>(
        `select id from sink.link where kind = 'person' limit 1`,
      );
      return rows[0]?.id;
    };
    const id = await until(linked, { deadlineMs: 60_000, what: 'the first person' });
    await ctx.commit(person(id, { active: false }));
    const since = (await platform.calls()).at(-1)!.seq;
    const isGone = async () => (await platform.state()).users.some(({ isActive }) => !isActive);
    await until(isGone, { deadlineMs: 20_000, what: 'the leaver to be deactivated' });
    const writes = await platform.writes(since);
    const between = writes.findIndex(({ method, route }) => !(method === 'POST' && route === '/users'));
    expect(between).toBeGreaterThanOrEqual(0);
    expect(between).toBeLessThanOrEqual(2);
    expect(await operator.run(run.id)).toMatchObject({ state: 'applying' });
  },
);
