import { factKey, topics } from '@orgstream/core';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { createCodec } from '@orgstream/kafka';
import { renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { ask, waitAsked } from '../ask.ts';
import { waitForFirstName } from '../evidence.ts';
import { readRecords, writeRecord } from '../records.ts';

interface RunSeen {
  readonly kind: string;
  readonly state: string;
  readonly requested_by: string | null;
}

async function replayRuns({ database, joined }: SmallScene): Promise<readonly RunSeen[]> {
  const sql = `select kind, state, requested_by from sink.run where integration_id = $1 and kind = 'replay' order by created_at`;
  return (await database.query<RunSeen>(sql, [joined.integration])).rows;
}

const writes = async (scene: SmallScene, since: number): Promise<number> =>
  (await scene.calls(since)).filter(({ method, route }) => method !== 'GET' && route !== '/auth/token').length;
const last = async (scene: SmallScene): Promise<number> => (await scene.calls()).at(-1)?.seq ?? 0;

/** Writes the newest fact of a person once more, at the same position, as a normalizer with a fault would have. */
async function writeWrongly(scene: SmallScene, personId: string, firstName: string): Promise<void> {
  const file = await scene.file();
  const key = factKey(scene.joined.tenant, 'person', personId);
  const codec = createCodec({ registryUrl: file.registryUrl });
  await codec.prepare(topics.directoryChanges, ['directory.Person']);
  const newest = (await readRecords(file, topics.directoryChanges, (record) => record.key === key)).at(-1)!;
  const decoded = await codec.decode(newest.value!);
  if (decoded.name !== 'directory.Person') throw new Error(`not a person: ${decoded.name}`);
  const value = codec.encode(topics.directoryChanges, 'directory.Person', { ...decoded.value, firstName });
  await writeRecord(file, { topic: topics.directoryChanges, tenant: scene.joined.tenant, key, value });
}

/** What holds when topics are read again. */
export function againLaws(): void {
  test('a repaired normalizer: what it corrects is applied by a run of kind replay, the rest makes no call', async () => {
    await using scene = await openSmallScene();
    const pia = scene.person('pia');
    await writeWrongly(scene, pia, 'Wrong');
    await waitForFirstName(scene, pia, 'Wrong');
    await until(async () => (await replayRuns(scene)).some(({ state }) => state === 'done'), {
      deadlineMs: 60_000,
      what: 'the run that applied the wrong fact',
    });
    const before = await last(scene);
    const id = await ask(scene, 'normalizer', 'renormalise', { by: 'test' });
    const { state, result } = await waitAsked(scene, id);
    expect(state).toBe('done');
    expect(result?.['done']).toBe(result?.['total']);
    await waitForFirstName(scene, pia, 'Pia');
    await scene.prove();
    expect(await writes(scene, before)).toBe(1);
    await until(async () => (await replayRuns(scene)).filter((run) => run.state === 'done').length === 2, {
      deadlineMs: 60_000,
      what: 'the run of the correction',
    });
  });

  test('a replay of all tenants in step makes no call, and holds no live change up', async () => {
    await using scene = await openSmallScene();
    const before = await last(scene);
    const id = await ask(scene, 'learningbank-sink', 'replay', { by: 'test' });
    expect(await waitAsked(scene, id)).toMatchObject({ state: 'done', result: { calls: 0, changed: 0, marked: 0 } });
    expect(await writes(scene, before)).toBe(0);
    const again = await ask(scene, 'learningbank-sink', 'replay', { by: 'test', tenant: scene.joined.tenant });
    await renamePerson(scene.ziik, scene.siteId, scene.person('eva'), { firstName: 'Live' });
    await waitForFirstName(scene, scene.person('eva'), 'Live');
    expect(await waitAsked(scene, again)).toMatchObject({ state: 'done', result: { marked: 0 } });
    await scene.prove();
    expect(await replayRuns(scene)).toEqual([]);
  });
}
