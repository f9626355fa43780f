import { expect, test } from 'vitest';
import { BridgeContext } from './fixture.ts';

test('a linked person gets one direct message; the same notification again changes nothing', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.notify('n1', anna!);
  ctx.start();
  await ctx.ended();
  expect(await channel.said()).toEqual(new Map([[anna!.id, ['module.assigned http://platform/courses/n1']]]));
  await channel.notify('n1', anna!);
  await channel.notify('n2', anna!);
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['n1', 'n2']);
  expect(await ctx.row('n1')).toMatchObject({ state: 'sent', payload: null, person_id: anna!.id, parts_sent: 1 });
});
