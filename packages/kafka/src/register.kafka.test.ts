import { expect, test } from 'vitest';
import { recordsOf, topics } from '@orgstream/core';
import { uniqueName, useStack } from '@orgstream/testkit';
import { createCodec } from './codec.ts';
import { checkSchemas, registerSchemas } from './register.ts';

const { registryUrl } = useStack();

test('registers every record of every topic, each subject at FULL_TRANSITIVE; a second time changes nothing', async () => {
  await registerSchemas({ registryUrl });
  const before = await ids();
  await registerSchemas({ registryUrl });
  expect(await ids()).toEqual(before);
  const reports = await checkSchemas({ registryUrl });
  expect(reports.map(({ state }) => state)).toEqual(reports.map(() => 'registered'));
  expect(reports).toHaveLength(Object.values(recordsOf).flat().length);
  for (const { subject } of reports) {
    const config: unknown = await (await fetch(`${registryUrl}/config/${subject}`)).json();
    expect(config).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  }
});

test('what is registered can be written and read', async () => {
  await registerSchemas({ registryUrl });
  const codec = createCodec({ registryUrl });
  for (const [topic, names] of Object.entries(recordsOf)) await codec.prepare(topic, names);
  const value = {
    position: { epoch: 1, lsn: 2, seq: 3, last: true },
    committedAtMs: 4,
    snapshotId: null,
    chunk: null,
    deleted: true,
    tenant: 'eu1.42',
    id: '7',
    name: null,
    reference: null,
  };
  const bytes = codec.encode(topics.directoryChanges, 'directory.Role', value);
  expect(await createCodec({ registryUrl }).decode(bytes)).toEqual({ name: 'directory.Role', value });
});

async function ids(): Promise<readonly unknown[]> {
  const subjects = Object.entries(recordsOf).flatMap(([topic, names]) => names.map((name) => `${topic}-${name}`));
  return Promise.all(
    subjects.map(async (subject) => (await fetch(`${registryUrl}/subjects/${subject}/versions/latest`)).json()),
  );
}

test("an incompatible change is told with the registry's reasons, and nothing at all is registered", async () => {
  const record = (name: string, ...fields: object[]) => ({
    subject: `${uniqueName('subject')}-test.${name}`,
    body: { schema: JSON.stringify({ type: 'record', name, namespace: 'test', fields }) },
  });
  const a = { name: 'a', type: 'int' };
  const [one, two] = [record('One', a), record('Two', a)];
  expect(await registerSchemas({ registryUrl }, [one, two])).toMatchObject([{ state: 'new' }, { state: 'new' }]);
  const wider = { ...one, body: record('One', { name: 'a', type: 'long' }).body };
  const added = { ...two, body: record('Two', a, { name: 'b', type: ['null', 'int'], default: null }).body };
  const reports = await checkSchemas({ registryUrl }, [added, wider]);
  expect(reports).toMatchObject([{ state: 'changed' }, { state: 'incompatible', reasons: [expect.any(String)] }]);
  await expect(registerSchemas({ registryUrl }, [added, wider])).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    data: { subjects: [one.subject] },
  });
  const versions: unknown = await (await fetch(`${registryUrl}/subjects/${two.subject}/versions`)).json();
  expect(versions).toEqual([1]);
  await registerSchemas({ registryUrl }, [added]);
  expect(await checkSchemas({ registryUrl }, [two, added])).toMatchObject([
    { state: 'registered' },
    { state: 'registered' },
  ]);
});

test('the registry is away', async () => {
  const away = { registryUrl: 'http://127.0.0.1:1' };
  await expect(checkSchemas(away)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE', disposition: 'retry' });
  await expect(registerSchemas(away)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
});
