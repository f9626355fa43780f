import fc from 'fast-check';
import { assigned, gone, member, person, role, type Said, unit } from '../../reconcile/fixture.ts';
import { userOf } from './compare.ts';
import { mayRest } from './end.ts';
import { sharedEmails, type Source } from './source.ts';
import { brakeCount, type World } from './world.ts';

/** A step of a history: shows itself, and does what it says. */
class Step implements fc.AsyncCommand<object, World> {
  readonly #name: string;
  readonly #run: (world: World) => Promise<unknown>;

  constructor(name: string, run: (world: World) => Promise<unknown>) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, world: World): Promise<void> {
    if (process.env['HISTORY_TRACE']) console.log(`${new Date().toISOString()} ${this.#name}`);
    await this.#run(world);
  }

  toString(): string {
    return this.#name;
  }
}

const people = fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8');
const units = fc.constantFrom('1', '2', '3', '4', '5', '6');
const subUnits = fc.constantFrom('2', '3', '4', '5', '6');
const roles = fc.constantFrom('r1', 'r2', 'r3');
const slots = fc.constantFrom('a', 'b');
const names = fc.constantFrom('North', 'South', 'West');
const roleNames = fc.constantFrom('Seller', 'Baker');

/** A change of the source, by what the source holds now; none when it makes no sense there. */
type Change = (source: Source) => readonly Said[];

const asIs = (source: Source, id: string, change: object): readonly Said[] => {
  const now = source.get('person', id);
  return now ? [person(id, { ...now, ...change })] : [];
};

const changes: fc.Arbitrary<{ readonly name: string; readonly change: Change }> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(people, units).map(([id, at]) => ({ name: `hire ${id} ${at}`, change: () => [person(id), member(`${id}a`, id, at)] })) },
  { weight: 3, arbitrary: people.map((id) => ({ name: `leave ${id}`, change: (s: Source) => asIs(s, id, { active: false }) })) },
  { weight: 2, arbitrary: people.map((id) => ({ name: `return ${id}`, change: (s: Source) => asIs(s, id, { active: true, expiresAtMs: null }) })) },
  { weight: 1, arbitrary: people.map((id) => ({ name: `delete ${id}`, change: (s: Source) => (s.get('person', id) ? [gone('person', id)] : []) })) },
  { weight: 2, arbitrary: fc.tuple(people, fc.nat(3)).map(([id, n]) => ({ name: `rename ${id} ${n}`, change: (s: Source) => asIs(s, id, { lastName: `Name ${n}` }) })) },
  { weight: 2, arbitrary: fc.tuple(people, fc.constantFrom(...sharedEmails, null, 'own')).map(([id, to]) => ({ name: `email ${id} ${to}`, change: (s: Source) => asIs(s, id, { email: to === 'own' ? `p${id}@example.org` : to }) })) },
  { weight: 1, arbitrary: people.map((id) => ({ name: `expire ${id}`, change: (s: Source) => asIs(s, id, { expiresAtMs: Date.now() + 200 }) })) },
  { weight: 3, arbitrary: fc.tuple(people, slots, units, fc.nat(1)).map(([id, slot, at, ordinal]) => ({ name: `member ${id}${slot} ${at} ${ordinal}`, change: () => [member(`${id}${slot}`, id, at, ordinal)] })) },
  { weight: 1, arbitrary: fc.tuple(people, slots).map(([id, slot]) => ({ name: `unmember ${id}${slot}`, change: (s: Source) => (s.get('membership', `${id}${slot}`) ? [gone('membership', `${id}${slot}`)] : []) })) },
  { weight: 3, arbitrary: fc.tuple(people, slots, roles).map(([id, slot, r]) => ({ name: `assign ${id}${slot} ${r}`, change: () => [assigned(`${id}${slot}${r}`, `${id}${slot}`, r)] })) },
  { weight: 1, arbitrary: fc.tuple(people, slots, roles).map(([id, slot, r]) => ({ name: `unassign ${id}${slot} ${r}`, change: (s: Source) => (s.get('assignment', `${id}${slot}${r}`) ? [gone('assignment', `${id}${slot}${r}`)] : []) })) },
  { weight: 4, arbitrary: fc.tuple(subUnits, units, names).map(([id, parent, name]) => ({ name: `unit ${id} ${parent} ${name}`, change: (s: Source) => [unit(id, s.get('unit', parent) && !s.isBelow(parent, id) ? parent : '1', name)] })) },
  { weight: 2, arbitrary: subUnits.map((id) => ({ name: `delete unit ${id}`, change: (s: Source) => (s.get('unit', id) ? [gone('unit', id)] : []) })) },
  { weight: 2, arbitrary: fc.tuple(roles, roleNames).map(([id, name]) => ({ name: `role ${id} ${name}`, change: () => [role(id, name)] })) },
  { weight: 1, arbitrary: roles.map((id) => ({ name: `delete role ${id}`, change: (s: Source) => (s.get('role', id) ? [gone('role', id)] : []) })) },
  { weight: 1, arbitrary: fc.constant({ name: 'everybody returns', change: (s: Source) => s.all('person').flatMap(({ id }) => asIs(s, id, { active: true, expiresAtMs: null })) }) },
); // prettier-ignore

const note = (world: World, said: readonly Said[]): void => {
  for (const [, , { expiresAtMs }] of said) world.expiresAt = Math.max(world.expiresAt, Number(expiresAtMs ?? 0));
};

const facts = fc
  .tuple(fc.array(changes, { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 12 }))
  .map(([list, delivery]) => {
    const how = (['late', 'twice', 'disabled'] as const)[delivery] ?? 'now';
    return new Step(`${how}: ${list.map(({ name }) => name).join(', ')}`, async (world) => {
      for (const { change } of delivery === 0 ? list : [combined(list)]) {
        if (how === 'disabled') await world.set('enabled', false);
        const said = change(world.source);
        note(world, said);
        if (how === 'late') world.saysLate(...said);
        else await world.says(...said);
      }
      if (how === 'disabled') await world.set('enabled', true);
      if (how === 'twice') await world.ctx.take(world.source.log.slice(-3));
    });
  });

/** Several changes as one transaction; the last word about an object counts. */
const combined = (list: readonly { readonly change: Change }[]): { readonly change: Change } => ({
  change: (source) => {
    const said = new Map(list.flatMap(({ change }) => change(source)).map((one) => [`${one[0]}/${one[1]}`, one]));
    return [...said.values()];
  },
});

const faults = [
  { kind: 'status', status: 500, count: 3 },
  { kind: 'status', status: 429, retryAfterS: 1, count: 2 },
  { kind: 'reset_after_write', count: 2 },
  { kind: 'reset_before', count: 2 },
  { kind: 'latency', ms: 150, count: 6 },
  { kind: 'hang', ms: 1_200, count: 1, afterWrite: true },
  { kind: 'status', status: 500, count: 2, afterWrite: true },
] as const;

const switches = fc.oneof(
  fc.constant(new Step('all on', (world) => world.allOn())),
  fc.constantFrom(
    new Step('disable', (world) => world.set('enabled', false)),
    new Step('enable', (world) => world.set('enabled', true)),
    new Step('pause', (world) => world.set('paused', true)),
    new Step('resume', (world) => world.set('paused', false)),
    new Step('shadow', (world) => world.set('shadow', true)),
    new Step('no shadow', (world) => world.set('shadow', false)),
    new Step('stop', (world) => world.stopAll(true)),
    new Step('go', (world) => world.stopAll(false)),
  ),
);

const machinery = fc.oneof(
  fc.constantFrom(
    new Step('crash', (world) => world.crash()),
    new Step('takeover', (world) => world.takeover()),
    new Step('late ones arrive', (world) => world.deliverLate()),
    new Step('replay', (world) => world.ctx.take(world.source.log)),
  ),
  fc
    .constantFrom(...faults)
    .map((fault) => new Step(`fault ${JSON.stringify(fault)}`, (world) => world.platform.fault(fault))),
);

const operators = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(
    new Step('initiate synchronisation', async (world) => {
      const { code } = await world.operator.start('sync');
      if (code === null) world.meets('initiated');
    }),
    new Step('approve all', (world) => world.act('approve', { all: true })),
    new Step('release all', release),
    new Step('reject people', reject),
    new Step('drift', drift),
    new Step('everybody leaves', exodus),
  ) },
  { weight: 2, arbitrary: fc.constant(new Step('everybody leaves, and is held back', async (world) => {
    await world.allOn();
    await exodus(world);
    await reject(world);
    // Whatever else becomes of who has left, the same is desired: the decision holds.
    const { source } = world;
    await world.says(...source.all('person').flatMap(({ id }) => asIs(source, id, { lastName: `Name ${source.lsn}` })));
    await mayRest(world);
  })) },
  { weight: 1, arbitrary: people.map((id) => new Step(`undo ${id}`, (world) => undo(world, id))) },
  { weight: 1, arbitrary: fc.tuple(fc.boolean(), fc.boolean()).map(([uniqueUnits, approve]) => new Step(`unique units ${uniqueUnits} ${approve}`, (world) => world.settings({ uniqueUnits }, approve))) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom([], ['1'], ['p2@example.org', '3']), fc.boolean()).map(([excluded, approve]) => new Step(`exclude ${excluded.join()} ${approve}`, (world) => world.settings({ excluded }, approve))) },
  { weight: 1, arbitrary: people.map((id) => new Step(`deactivated by hand ${id}`, (world) => byHand(world, id))) },
  { weight: 1, arbitrary: subUnits.map((id) => new Step(`department renamed by hand ${id}`, (world) => renamedByHand(world, id))) },
  { weight: 1, arbitrary: fc.constantFrom('pause', 'resume', 'cancel').map((decision) => new Step(`${decision} the newest run`, async (world) => {
    const run = (await world.operator.runs()).at(-1);
    if (run) await world.operator.decide(run.id, decision as 'pause');
  })) },
  { weight: 3, arbitrary: fc.constant(new Step('a while passes', (world) => mayRest(world))) },
); // prettier-ignore

/** What histories are made of. */
export const steps: fc.Arbitrary<Step>[] = [facts, facts, facts, facts, switches, machinery, operators, operators];

/** People whom the brake holds stay as they are. */
async function reject(world: World): Promise<void> {
  const held = (await world.ctx.work()).filter(({ kind, state }) => kind === 'person' && state === 'held');
  for (const { id } of held) {
    const { code } = await world.act('reject', { objects: [{ kind: 'person', id }] });
    if (code !== null) continue;
    const left = world.source.get('person', id)?.['active'] === false;
    world.decided.set(id, { lsn: world.source.lsn, user: userOf(await world.state(), id), left });
    world.meets('rejected');
  }
}

async function release(world: World): Promise<void> {
  await world.act('release', { all: true });
  for (const id of world.decided.keys()) world.decided.set(id, { lsn: -1, user: undefined, left: false });
}

const activeOf = async (world: World): Promise<number> =>
  (await world.state()).users.filter(({ externalId, isActive }) => externalId !== null && isActive).length;

/** A bad import. In step and under way, no more of it gets through than the brake allows. */
async function exodus(world: World): Promise<void> {
  await mayRest(world);
  const inStep = (await world.flows()) && (await world.ctx.work()).length === 0 && world.late.length === 0;
  const before = await activeOf(world);
  await world.says(...world.source.all('person').flatMap(({ id }) => asIs(world.source, id, { active: false })));
  if (!inStep) return;
  await mayRest(world);
  const left = before - (await activeOf(world));
  if (left > brakeCount) throw new Error(`${left} of ${before} people were deactivated at once, and nobody asked`);
  if (before > brakeCount) world.meets('brake');
}

async function undo(world: World, id: string): Promise<void> {
  if (!world.source.saidAt.has(`person/${id}`) || !(await world.flows())) return;
  const { code, result } = await world.operator.start('undo', { scope: { kind: 'person', id } });
  if (code !== null) return;
  const { run } = result as { readonly run: string };
  // From now on it may come to be held; how it looks is known when the run has ended.
  world.decided.set(id, { lsn: -1, user: undefined, left: false });
  if ((await world.rests(run)) !== 'planned') return;
  await world.operator.decide(run, 'approve');
  if ((await world.rests(run)) === 'done') world.meets('undone');
}

async function drift(world: World): Promise<void> {
  if (!(await world.flows())) return;
  const { code, result } = await world.operator.start('drift');
  if (code !== null) return;
  const { run } = result as { readonly run: string };
  if ((await world.rests(run)) !== 'planned') return;
  if ((await world.operator.decide(run, 'approve')).code === null) world.meets('drift');
}

async function byHand(world: World, id: string): Promise<void> {
  const user = userOf(await world.state(), id);
  if (!user?.isActive) return;
  world.decided.set(id, { lsn: -1, user: undefined, left: false });
  await world.byHand((hand) => hand.deactivateUser(user.id));
}

async function renamedByHand(world: World, id: string): Promise<void> {
  const { departments } = await world.state();
  const department = departments.find(({ externalId }) => externalId?.endsWith(`:unit:${id}`));
  if (!department) return;
  await world.byHand((hand) => hand.updateDepartment(department.id, { name: `By hand ${id}` }));
}
