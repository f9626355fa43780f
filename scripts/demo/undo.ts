import { settingsTag } from '@orgstream/control-api';
import { waitConverged, type Joined, type StackFile } from '@orgstream/world';
import type { Operator } from './operator.ts';
import type { Screen } from './screen.ts';

/** A settings edit as a run, shown, approved; then undone as a whole, and the settings rolled back. */
export async function settingsAndUndo(
  { screen, file, operator }: { screen: Screen; file: StackFile; operator: Operator },
  joined: Joined,
): Promise<{ readonly undone: number; readonly namesBack: boolean }> {
  screen.heading('A settings edit, undone');
  const { integration } = joined;
  const params = { integration };
  const before = await departmentNames(file, joined);
  const { version, newest } = await operator.api.getSettings({ params });
  const edited = await operator.api.changeSettings({
    params,
    body: { uniqueUnits: true },
    ifMatch: settingsTag(version, newest),
  });
  const settings = await operator.planned(
    edited.run ?? (await operator.runOfKind(integration, 'settings', ['planned'])),
  );
  screen.line(`  "Unique Units" on: ${settings.counts['rename'] ?? 0} departments would be renamed; approved`);
  await operator.approve(settings);
  await operator.finished(settings);
  const asked = await operator.api.startRun({ params, body: { kind: 'undo', scope: { run: settings.id } } });
  const undo = await operator.planned(asked.run ?? (await operator.runOfKind(integration, 'undo', ['planned'])));
  screen.line(`  undo of that run: ${undo.counts['items'] ?? 0} objects, from their recorded before-images; approved`);
  await operator.approve(undo);
  const done = await operator.finished(undo);
  const undone = await operator.countItems(done, 'applied');
  const after = await departmentNames(file, joined);
  const namesBack = before.length === after.length && before.every((name, index) => name === after[index]);
  screen.line(`  ${undone} departments have their old names again${namesBack ? '' : ' — NOT ALL OF THEM'}`);
  await operator.api.rollbackSettings({ params, body: { version }, ifMatch: await tagInForce(operator, integration) });
  await waitConverged(file, { deadlineMs: 60_000, integrations: [integration] });
  return { undone, namesBack };
}

async function tagInForce(operator: Operator, integration: string): Promise<string> {
  const { version, newest } = await operator.api.getSettings({ params: { integration } });
  return settingsTag(version, newest);
}

async function departmentNames(file: StackFile, { platform }: Joined): Promise<readonly string[]> {
  const response = await fetch(`${file.learningbankSimUrl}/_sim/state?platform=${platform.id}`);
  const state = (await response.json()) as { readonly departments: readonly { id: number; name: string }[] };
  return state.departments.map(({ id, name }) => `${id} ${name}`).toSorted();
}
