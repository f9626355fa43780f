import { createClient, type Client } from '@orgstream/control-api';
import { generateOrganisation } from '@orgstream/simulator-ziik';
import { askSimulator, connect, join, notify, waitConverged, type Joined } from '@orgstream/world';
import { cpuSeconds, secondsUntil, watchRss } from './measure.ts';
import { startRig, type Rig } from './rig.ts';

const PEOPLE = Number(process.env['PEOPLE'] ?? 1_000);
const HOOKS_AT_ONCE = 16;
/** Served side by side. */
const RECEIVERS = 8;
const round = (value: number): number => Math.round(value * 100) / 100;

/**
 * A notification for everybody, twice: first each needs a conversation, then it is there. Each time they gather while the
 * channel is quiet (hooks into Kafka and the ledger), and then go out at once to a Ziik that is fast.
 */
export async function notifications(): Promise<unknown> {
  await using rig = await startRig({ env: { BRIDGE_RECEIVERS: String(RECEIVERS) } });
  const organisation = await generateOrganisation(rig.ziik, {
    seed: 5,
    units: Math.max(5, Math.round(PEOPLE / 40)),
    people: PEOPLE,
    inactive: 0,
    expired: 0,
    withoutEmail: 0,
    sharedEmail: 0,
  });
  const joined = await join(rig.file, organisation.siteId, { name: 'Bench' });
  await waitConverged(rig.file, { deadlineMs: 300_000 });
  const { sender } = await connect(rig.file, joined);
  await waitConverged(rig.file, { deadlineMs: 300_000 });
  const users = await receivers(rig, joined, sender.email);
  return {
    people: users.length,
    sideBySide: RECEIVERS,
    newConversations: await wave(rig, joined, { users, type: 'module.assigned' }),
    knownConversations: await wave(rig, joined, { users, type: 'module.deadline_reminder' }),
  };
}

async function receivers({ file }: Rig, { platform, tenant }: Joined, sender: string): Promise<readonly number[]> {
  const state = await askSimulator<{
    users: readonly { id: number; email: string | null; externalId: string | null }[];
  }>(`${file.learningbankSimUrl}/_sim/state?platform=${platform.id}`);
  return state.users
    .filter(({ email, externalId }) => externalId?.startsWith(`${tenant}:person:`) && email !== sender)
    .map(({ id }) => id);
}

/** A notification for each user, gathered and then sent. */
async function wave(
  rig: Rig,
  joined: Joined,
  { users, type }: { readonly users: readonly number[]; readonly type: string },
): Promise<unknown> {
  const api = createClient({ url: rig.file.controlUrl, token: rig.file.adminToken });
  const wait = { deadlineMs: 600_000, what: type };
  const inState = async (state: string): Promise<number> => {
    const sql = 'select count(*)::int as n from bridge.notification where type = $1 and state = $2';
    return (await rig.database.query<{ n: number }>(sql, [type, state])).rows[0]!.n;
  };
  await setQuiet(api, joined, true);
  const begunMs = performance.now();
  await callHooks(rig, joined, { users, type });
  const hookSeconds = (performance.now() - begunMs) / 1_000;
  const ledgerSeconds = await secondsUntil(() => inState('queued'), users.length, { ...wait, startedMs: begunMs });
  const { pid } = rig.world.supervisor.handle('notification-bridge')!;
  const [rss, cpu, since] = [watchRss(pid), cpuSeconds(pid), (await ziikCalls(rig, joined, 0)).lastSeq];
  await setQuiet(api, joined, false);
  const seconds = await secondsUntil(() => inState('sent'), users.length, { ...wait, startedMs: performance.now() });
  const calls = await ziikCalls(rig, joined, since);
  const ziikMs = calls.ms / users.length;
  return {
    hooksPerSecond: Math.round(users.length / hookSeconds),
    intoLedgerPerSecond: Math.round(users.length / ledgerSeconds),
    messagesPerSecond: Math.round(users.length / seconds),
    callsPerMessage: round(calls.count / users.length),
    ziikMsPerMessage: round(ziikMs),
    /** What is not Ziik's of the time that one of the receivers side by side takes: ledger, look-ups, texts, and waiting for the processor. */
    ownMsPerMessage: round((seconds * 1_000 * RECEIVERS) / users.length - ziikMs),
    bridgeCpuMsPerMessage: round(((cpuSeconds(pid) - cpu) * 1_000) / users.length),
    peakRssMiB: rss.stop(),
  };
}

async function setQuiet(api: Client, { integration }: Joined, quiet: boolean): Promise<void> {
  const params = { integration };
  await api.changeChannel({ params, body: { quiet }, ifMatch: (await api.getChannel({ params })).version });
}

/** Calls that Ziik has had after `since`, and how long it took over them. */
async function ziikCalls(
  { file }: Rig,
  { siteId }: Joined,
  since: number,
): Promise<{ readonly count: number; readonly ms: number; readonly lastSeq: number }> {
  const calls = await askSimulator<readonly { readonly seq: number; readonly durationMs: number }[]>(
    `${file.ziikSimUrl}/_sim/api-calls?siteId=${siteId}&since=${since}`,
  );
  return {
    count: calls.length,
    ms: calls.reduce((sum, { durationMs }) => sum + durationMs, 0),
    lastSeq: calls.at(-1)?.seq ?? since,
  };
}

async function callHooks(
  rig: Rig,
  joined: Joined,
  { users, type }: { readonly users: readonly number[]; readonly type: string },
): Promise<void> {
  const left = [...users];
  const one = async (): Promise<void> => {
    for (let userId = left.pop(); userId !== undefined; userId = left.pop())
      await notify(rig.file, joined.platform, { type, userId, fields: { firstName: 'Bench', moduleName: 'Speed' } });
  };
  await Promise.all(Array.from({ length: HOOKS_AT_ONCE }, one));
}
