import { topics } from '@orgstream/core';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { renamePerson, renameUnit } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { describe, expect, test } from 'vitest';
import { waitForFirstName, waitParked } from './evidence.ts';
import { readRecords, writeRecord } from './records.ts';

const garbage = Buffer.from('\u{1F4A9} neither Avro nor ours');

/** Somebody behind the poison in the same partition is renamed, and arrives. */
async function othersGoOn({ ziik, siteId, ...scene }: SmallScene, firstName: string): Promise<void> {
  await renamePerson(ziik, siteId, scene.person('eva'), { firstName });
  await waitForFirstName({ ziik, siteId, ...scene }, scene.person('eva'), firstName);
}

async function write(scene: SmallScene, topic: string, key: string | null, value: Buffer = garbage): Promise<void> {
  await writeRecord(await scene.file(), { topic, tenant: scene.joined.tenant, key, value });
}

describe.concurrent('a record nobody can read', () => {
  test.each([
    [topics.ziikChanges, 'users'],
    [topics.directoryChanges, 'person'],
  ])('in %s parks the person its key names, alone, until the next good row', async (topic, table) => {
    await using scene = await openSmallScene();
    const pia = scene.person('pia');
    await write(scene, topic, `${scene.joined.tenant}/${table}/${pia}`);
    await waitParked(scene, `person ${pia}`, 'RECORD_UNREADABLE');
    await othersGoOn(scene, 'Evelyn');
    expect(await scene.parked()).toEqual({ [`person ${pia}`]: 'RECORD_UNREADABLE' });
    await renamePerson(scene.ziik, scene.siteId, pia, { firstName: 'Pernille' });
    await scene.prove();
  });

  test.each([
    [topics.ziikChanges, 'units'],
    [topics.directoryChanges, 'unit'],
  ])('in %s parks the unit its key names, until the next good row', async (topic, table) => {
    await using scene = await openSmallScene();
    const hobro = scene.unit('Hobro');
    await write(scene, topic, `${scene.joined.tenant}/${table}/${hobro}`);
    await waitParked(scene, `unit ${hobro}`, 'RECORD_UNREADABLE');
    await othersGoOn(scene, 'Evelyn');
    await renameUnit(scene.ziik, scene.siteId, hobro, 'Hobro C');
    await scene.prove();
  });

  test.each([
    [topics.ziikChanges, 'no tenant at all'],
    [topics.ziikChanges, null],
    [topics.directoryChanges, 'no tenant at all'],
    [topics.directoryChanges, 'eu1.x/person'],
  ])('in %s with the key %j is set aside with its bytes, and stops nothing', async (topic, key) => {
    await using scene = await openSmallScene();
    const value = Buffer.from(`garbage for ${scene.joined.tenant} ${topic}`);
    await write(scene, topic, key, value);
    const kept = await until(
      async () => {
        const found = await readRecords(await scene.file(), topics.unreadable, (r) => r.value?.equals(value) === true);
        return found.length > 0 && found;
      },
      { deadlineMs: 60_000, what: 'the bytes in orgstream.unreadable', intervalMs: 500 },
    );
    expect(kept).toHaveLength(1);
    await othersGoOn(scene, 'Evelyn');
    await scene.prove();
  });

  test('a cut record and one with bytes too many park their person, too', async () => {
    await using scene = await openSmallScene();
    const { tenant } = scene.joined;
    const keyOf = (name: 'pia' | 'bo') => `${tenant}/users/${scene.person(name)}`;
    const [good] = await readRecords(await scene.file(), topics.ziikChanges, ({ key }) => key === keyOf('pia'));
    await write(scene, topics.ziikChanges, keyOf('pia'), good!.value!.subarray(0, -3));
    await write(scene, topics.ziikChanges, keyOf('bo'), Buffer.concat([good!.value!, garbage]));
    await waitParked(scene, `person ${scene.person('pia')}`, 'RECORD_UNREADABLE');
    await waitParked(scene, `person ${scene.person('bo')}`, 'RECORD_UNREADABLE');
    await othersGoOn(scene, 'Evelyn');
    for (const name of ['pia', 'bo'] as const) {
      await renamePerson(scene.ziik, scene.siteId, scene.person(name), { lastName: 'Lund' });
    }
    await scene.prove();
  });
});

test('a flood of poison parks as many objects as it names, and the partition goes on', async () => {
  await using scene = await openSmallScene();
  const people = ['ida', 'omar', 'pia', 'jan'] as const;
  for (const name of people) {
    await write(scene, topics.ziikChanges, `${scene.joined.tenant}/users/${scene.person(name)}`);
    await write(scene, topics.ziikChanges, 'nonsense');
  }
  for (const name of people) await waitParked(scene, `person ${scene.person(name)}`, 'RECORD_UNREADABLE');
  await othersGoOn(scene, 'Evelyn');
  expect(Object.keys(await scene.parked())).toHaveLength(people.length);
  for (const name of people) {
    await renamePerson(scene.ziik, scene.siteId, scene.person(name), { lastName: 'Lund' });
  }
  await scene.prove();
});
