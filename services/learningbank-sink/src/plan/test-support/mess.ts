import { defaultSettings, type IntegrationSettings } from '@orgstream/core';
import fc from 'fast-check';
import type { ObjectKind } from '../../model.ts';
import type { MembershipFact, PersonFact, Resolution, RoleFact, UnitFact } from '../facts.ts';
import { membershipFact, personFact, roleFact, unitFact } from './facts.ts';
import { World } from './world.ts';

/**
 * Sources and targets as they should not be: circles, orphans, clashes of names and e-mails, rejected facts, things at the
 * target that look like ours or belong to others, and operators who decide at random.
 */
export type Mess = (world: World) => void;

const ids = fc.constantFrom('1', '2', '3', '4', '5');
const names = fc.constantFrom('North', 'South', 'Cook', ' North ', 'North (3)', '', 'x'.repeat(256), null);
const emails = fc.constantFrom('a@x', 'b@x', 'c@x', 'A@X', '', null);
const rejected = fc.constantFrom(null, null, null, 'FACT_INVALID' as const);
const rarely = fc.constantFrom(false, false, false, true);

const unit: fc.Arbitrary<Mess> = fc
  .record({
    id: ids,
    fact: fc.record<UnitFact>({
      parentId: fc.constantFrom(null, '1', '1', '2', '3', '4', '9'),
      name: names,
      isDepartment: rarely,
      deleted: rarely,
      rejectedCode: rejected,
    }),
  })
  .map(
    ({ id, fact }) =>
      (world) =>
        void world.unit(id, unitFact(fact)),
  );

const role: fc.Arbitrary<Mess> = fc
  .record({ id: ids, fact: fc.record<RoleFact>({ name: names, deleted: rarely, rejectedCode: rejected }) })
  .map(
    ({ id, fact }) =>
      (world) =>
        void world.role(id, roleFact(fact)),
  );

const person: fc.Arbitrary<Mess> = fc
  .record({
    id: ids,
    fact: fc.record<Partial<PersonFact>>({
      firstName: names,
      email: emails,
      active: fc.constantFrom(true, true, false, null),
      anonymised: rarely,
      deleted: rarely,
      expiresAtMs: fc.constantFrom(null, null, 1, 1e15),
      rejectedCode: rejected,
    }),
  })
  .map(
    ({ id, fact }) =>
      (world) =>
        void world.person(id, personFact(fact)),
  );

const membership: fc.Arbitrary<Mess> = fc
  .record({
    person: ids,
    no: fc.nat({ max: 1 }),
    unitId: fc.option(fc.constantFrom('1', '2', '3', '4', '9'), { nil: null }),
    rest: fc.record<Partial<MembershipFact> & { roles?: string[] }>({
      ordinal: fc.option(fc.nat({ max: 3 }), { nil: null }),
      rejectedCode: rejected,
      roles: fc.array(fc.constantFrom('1', '2', '3', '9'), { maxLength: 3 }),
    }),
  })
  .map(
    ({ person: id, no, unitId, rest }) =>
      (world) =>
        void world.member(id, membershipFact(`${id}${no}`, unitId, rest)),
  );

const leave: fc.Arbitrary<Mess> = fc.record({ person: ids, no: fc.nat({ max: 1 }) }).map(
  ({ person: id, no }) =>
    (world) =>
      void world.leave(`${id}${no}`),
);

const atTarget: fc.Arbitrary<Mess> = fc
  .record({ what: fc.nat({ max: 2 }), name: fc.constantFrom('North', 'South', 'Cook'), isOdd: fc.boolean() })
  .map(({ what, name, isOdd }) => ({ target }) => {
    const taken = [...target.departments.values(), ...target.types.values()].some((other) => other.name === name);
    const email = `${'abc'[name.length % 3]}@x`;
    if (what === 0 && !taken) target.addDepartment({ name });
    if (what === 1 && !taken) target.addType(name, isOdd);
    if (what === 2 && ![...target.users.values()].some((user) => user.email.toLowerCase() === email)) {
      target.addUser({ email, active: isOdd });
    }
  });

const resolution: fc.Arbitrary<Mess> = fc
  .record({
    kind: fc.constantFrom<ObjectKind>('unit', 'role', 'person'),
    id: ids,
    action: fc.constantFrom<Resolution['action'] | null>('adopt', 'create_new', 'ignore', null),
    which: fc.nat({ max: 6 }),
  })
  .map(({ kind, id, action, which }) => (world) => {
    const key = `${kind}/${id}`;
    if (action === null) world.resolutions.delete(key);
    else world.resolutions.set(key, { action, targetId: 1_000 + which });
    if ({ unit: world.units, role: world.roles, person: world.people }[kind].has(id)) world.mark(kind, id);
  });

const settings: fc.Arbitrary<Mess> = fc
  .record<Partial<IntegrationSettings>>({
    uniqueUnits: fc.boolean(),
    updateJobProfile: fc.boolean(),
    createInactive: fc.boolean(),
    keepForeignDepartments: fc.boolean(),
    protectedEmails: fc.constantFrom([], ['a@x']),
  })
  .map((some) => (world) => {
    world.settings = { ...defaultSettings, ...some };
    world.markAll();
  });

const jobProfile: fc.Arbitrary<Mess> = fc
  .constantFrom('Cook', 'North', 'cook')
  .map((name) => (world) => void world.jobProfiles.set(name, 900 + name.length));

const elsewhere: fc.Arbitrary<Mess> = fc
  .record({ kind: fc.constantFrom<ObjectKind>('unit', 'role', 'person'), which: fc.nat({ max: 3 }) })
  .map(({ kind, which }) => (world) => {
    const id = 1_000 + which;
    const isOurs = [...world.links[kind].values()].some(({ targetId }) => targetId === id);
    if (!isOurs) world.linkElsewhere(kind, id);
  });

export const mess: fc.Arbitrary<Mess> = fc.oneof(
  { weight: 4, arbitrary: unit },
  { weight: 2, arbitrary: role },
  { weight: 4, arbitrary: person },
  { weight: 4, arbitrary: membership },
  leave,
  atTarget,
  resolution,
  settings,
  jobProfile,
  elsewhere,
);

/** A world with a top unit, in which nothing else is certain. */
export function unruly(): World {
  return new World().unit('1', unitFact({ name: 'Top' }));
}
