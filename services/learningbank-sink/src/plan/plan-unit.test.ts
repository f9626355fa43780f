import { describe, expect, test } from 'vitest';
import { deletedUnit, membershipFact, personFact, unitFact } from './test-support/facts.ts';
import { World } from './test-support/world.ts';

/** Top unit 1, below it 2 "Region", below that 3 "Shop". */
function chain(): World {
  return chainInto(new World());
}

const department = (world: World, id: string) => world.target.departments.get(world.links.unit.get(id)?.targetId ?? -1);
const ops = (world: World): readonly string[] => world.target.calls.map(({ op }) => op);
const codeOf = (world: World, id: string) => world.work.get(`unit/${id}`)?.code;

describe('semantics.md §1, table', () => {
  test('top unit: linked to the top department; its name is never changed, whatever the unit is called', () => {
    const world = chain().converge();
    expect(world.links.unit.get('1')).toMatchObject({
      targetId: world.target.topDepartmentId,
      isTop: true,
      madeByUs: false,
    });
    world.unit('1', unitFact({ name: 'Renamed' })).converge();
    expect(department(world, '1')?.name).toBe('Acme');
    expect(ops(world)).toEqual(['department.create', 'department.create']);
  });

  test("sub-unit created: department of the same name under the parent unit's department; the hierarchy is mirrored 1:1", () => {
    const world = chain().converge();
    expect(department(world, '3')).toEqual({
      name: 'Shop',
      parentId: world.links.unit.get('2')!.targetId,
      externalId: 'eu1.1:unit:3',
    });
  });

  test('sub-unit renamed: department renamed, in one call', () => {
    const world = chain().converge();
    world.unit('3', unitFact({ parentId: '2', name: 'Boutique' }));
    expect(world.outcome('unit', '3')).toMatchObject({
      actions: [{ op: 'department.update', set: { name: 'Boutique' } }],
    });
  });

  test("sub-unit moved: department moved under the new parent's department, renamed in the same call", () => {
    const world = chain().converge();
    world.unit('3', unitFact({ parentId: '1', name: 'Outlet' })).converge();
    expect(world.target.calls.at(-1)).toMatchObject({
      set: { name: 'Outlet', parentId: world.target.topDepartmentId },
    });
    expect(world.target.calls).toHaveLength(3);
  });

  test('sub-unit deleted: department deleted, children before parents', () => {
    const world = chain().converge();
    world.unit('2', deletedUnit).unit('3', deletedUnit).converge();
    expect(world.target.departments.size).toBe(1);
    expect(world.links.unit.size).toBe(1);
    expect(world.refusals).toEqual([]);
  });

  test("unique units: the department's name is the unit's name with the unit id added; equal names side by side", () => {
    const world = chain();
    world.settings = { ...world.settings, uniqueUnits: true };
    world.unit('4', unitFact({ parentId: '2', name: ' Shop ' })).converge();
    expect([department(world, '3')?.name, department(world, '4')?.name]).toEqual(['Shop (3)', 'Shop (4)']);
    expect(department(world, '1')?.name).toBe('Acme');
  });
});

describe('waiting and halting', () => {
  test('a child before its parent waits, and resumes by itself', () => {
    const world = new World()
      .unit('1', unitFact({}))
      .unit('3', unitFact({ parentId: '2', name: 'Shop' }))
      .converge();
    expect(world.outcome('unit', '3')).toEqual({ kind: 'wait', on: { kind: 'unit', id: '2' } });
    world.unit('2', unitFact({ parentId: '1', name: 'Region' })).converge();
    expect(department(world, '3')?.name).toBe('Shop');
    expect(world.work.size).toBe(0);
  });

  test.each([
    ['deleted', deletedUnit],
    ['put below another unit', unitFact({ parentId: '2' })],
    ['turned into a Ziik department', unitFact({ isDepartment: true })],
  ])('decided 14: top unit %s: the tenant halts with TOP_UNIT_CHANGED', (_, fact) => {
    const world = chain().converge().unit('1', fact);
    expect(world.outcome('unit', '1')).toEqual({ kind: 'halt', code: 'TOP_UNIT_CHANGED' });
    expect(world.unit('3', unitFact({ parentId: '2', name: 'New' })).outcome('unit', '3').kind).toBe('halt');
  });

  test('a second unit without parent is parked, not guessed at; the first stays the top unit', () => {
    const world = new World().unit('20', unitFact({})).unit('3', unitFact({})).converge();
    expect(world.links.unit.get('3')?.isTop).toBe(true);
    expect(codeOf(world, '20')).toBe('FACT_INVALID');
  });

  test('a deleted site: TENANT_GONE, nothing is sent', () => {
    const world = chain();
    world.tenantGone = true;
    expect(world.outcome('unit', '2')).toEqual({ kind: 'halt', code: 'TENANT_GONE' });
  });
});

describe('decided 6: Ziik departments', () => {
  test('are not mirrored', () => {
    const world = chain()
      .unit('9', unitFact({ parentId: '2', isDepartment: true, name: 'Kitchen' }))
      .converge();
    expect(world.links.unit.has('9')).toBe(false);
    expect(world.work.size).toBe(0);
  });

  test('a unit that becomes one loses its department', () => {
    const world = chain()
      .converge()
      .unit('3', unitFact({ parentId: '2', isDepartment: true }))
      .converge();
    expect(world.target.departments.size).toBe(2);
  });
});

describe('decided 7 and 14: names', () => {
  test('sibling name clash with unique units off: the second unit is parked with DEPARTMENT_NAME_TAKEN', () => {
    const world = chain()
      .unit('4', unitFact({ parentId: '2', name: 'Shop' }))
      .converge();
    expect(codeOf(world, '4')).toBe('DEPARTMENT_NAME_TAKEN');
    expect(world.refusals).toEqual([]);
  });

  test('it resumes by itself when the first is renamed', () => {
    const world = chain()
      .unit('4', unitFact({ parentId: '2', name: 'Shop' }))
      .converge();
    world.unit('3', unitFact({ parentId: '2', name: 'Other' })).converge();
    expect(department(world, '4')?.name).toBe('Shop');
    expect(world.work.size).toBe(0);
  });

  test('a name held by an object of ours that is to be renamed is freed first, without an interim name', () => {
    const world = chain().converge();
    world.unit('4', unitFact({ parentId: '2', name: 'Shop' })).unit('3', unitFact({ parentId: '2', name: 'Old shop' }));
    expect(world.outcome('unit', '4')).toEqual({ kind: 'wait', on: { kind: 'unit', id: '3' } });
    world.converge();
    expect(ops(world).slice(2)).toEqual(['department.update', 'department.create']);
  });

  test('a cycle takes the interim name <name> (<id>)', () => {
    const world = chain()
      .unit('4', unitFact({ parentId: '2', name: 'Stall' }))
      .converge();
    world.unit('3', unitFact({ parentId: '2', name: 'Stall' })).unit('4', unitFact({ parentId: '2', name: 'Shop' }));
    expect(world.outcome('unit', '3')).toMatchObject({
      kind: 'first',
      object: { kind: 'unit', id: '4' },
      action: { op: 'department.update', set: { name: 'Stall (4)' } },
    });
    world.converge();
    expect([department(world, '3')?.name, department(world, '4')?.name]).toEqual(['Stall', 'Shop']);
    expect(ops(world).slice(3)).toHaveLength(3);
  });

  test('a holder that cannot go yet takes it too: its people have not left', () => {
    const world = chain().person('7', personFact({})).member('7', membershipFact('1', '3')).converge();
    world.unit('3', deletedUnit).unit('4', unitFact({ parentId: '2', name: 'Shop' }));
    expect(world.outcome('unit', '4')).toMatchObject({ kind: 'first', action: { set: { name: 'Shop (3)' } } });
    world.leave('1').converge();
    expect(world.refusals).toEqual([]);
    expect(world.links.unit.has('3')).toBe(false);
  });

  test('a move cycle: parent and child swapped in one go', () => {
    const world = chain().converge();
    world.unit('2', unitFact({ parentId: '3', name: 'Region' })).unit('3', unitFact({ parentId: '1', name: 'Shop' }));
    world.converge();
    expect(world.refusals).toEqual([]);
    expect(department(world, '2')?.parentId).toBe(world.links.unit.get('3')?.targetId);
  });

  test('a move cycle whose way is blocked passes through the top department', () => {
    const world = chain()
      .unit('5', unitFact({ parentId: '1', name: 'Shop' }))
      .converge();
    // 3 is to go up where 5 has its name, and 2 below 3.
    world.unit('3', unitFact({ parentId: '1', name: 'Shop' })).unit('2', unitFact({ parentId: '3', name: 'Region' }));
    world.step(world.work.get('unit/3')!);
    expect(codeOf(world, '3')).toBe('DEPARTMENT_NAME_TAKEN');
    expect(world.outcome('unit', '2')).toMatchObject({
      kind: 'first',
      action: { set: { name: 'Shop (3)', parentId: world.target.topDepartmentId } },
    });
    world.converge();
    expect(world.refusals).toEqual([]);
    expect(department(world, '2')?.parentId).toBe(world.links.unit.get('3')?.targetId);
  });
});

describe('decided 8: adoption at first link only', () => {
  test('department by (parent, exact name), without a call', () => {
    const world = new World();
    const found = world.target.addDepartment({ name: 'Region' });
    world
      .unit('1', unitFact({}))
      .unit('2', unitFact({ parentId: '1', name: 'Region' }))
      .converge();
    expect(world.links.unit.get('2')).toMatchObject({ targetId: found, madeByUs: false });
    expect(world.target.calls).toEqual([]);
  });

  test('not by a name that differs in case, and not under another parent', () => {
    const world = new World();
    world.target.addDepartment({ name: 'region' });
    chainInto(world).converge();
    expect(ops(world)).toEqual(['department.create', 'department.create']);
  });

  test('a linked unit never adopts: a rename into a foreign name is no take-over', () => {
    const world = chain().converge();
    world.target.addDepartment({ name: 'Taken' });
    world.unit('2', unitFact({ parentId: '1', name: 'Taken' }));
    expect(world.outcome('unit', '2')).toMatchObject({ actions: [{ op: 'department.update' }] });
  });

  test('an existing department linked elsewhere becomes a match case, never a silent take-over', () => {
    const world = new World();
    world.linkElsewhere('unit', world.target.addDepartment({ name: 'Region' }));
    chainInto(world).converge();
    expect(world.work.get('unit/2')).toMatchObject({ state: 'conflict', code: 'LINKED_ELSEWHERE' });
    expect(world.work.get('unit/3')?.state).toBe('waiting');
  });

  test('an adopted department follows renames and moves, and is never deleted', () => {
    const world = new World();
    const found = world.target.addDepartment({ name: 'Region' });
    chainInto(world).converge();
    world.unit('2', unitFact({ parentId: '1', name: 'North' })).converge();
    expect(world.target.departments.get(found)?.name).toBe('North');
    world.unit('3', deletedUnit).unit('2', deletedUnit).converge();
    expect(world.target.departments.has(found)).toBe(true);
    expect(world.links.unit.has('2')).toBe(false);
    expect(world.target.departments.size).toBe(2);
  });

  test('our marker: what we made before a crash is ours, wherever it is', () => {
    const world = new World();
    const made = world.target.addDepartment({ name: 'Old name', externalId: 'eu1.1:unit:2' });
    chainInto(world).converge();
    expect(world.links.unit.get('2')).toMatchObject({ targetId: made, madeByUs: true });
    expect(ops(world)).toEqual(['department.update', 'department.create']);
  });

  test('an object that is itself to be deleted is never adopted', () => {
    const world = chain().converge();
    world.unit('3', deletedUnit).unit('4', unitFact({ parentId: '2', name: 'Shop' }));
    const old = world.links.unit.get('3')!.targetId;
    world.converge();
    expect(world.links.unit.get('4')?.targetId).not.toBe(old);
    expect(world.target.departments.has(old)).toBe(false);
  });
});

describe('decided 12: deletion', () => {
  test('a department that still has foreign users is left in place and parked with DEPARTMENT_NOT_EMPTY', () => {
    const world = chain().converge();
    world.target.addUser({ email: 'foreign@example.com', departmentIds: [world.links.unit.get('3')!.targetId] });
    world.unit('3', deletedUnit).converge();
    expect(codeOf(world, '3')).toBe('DEPARTMENT_NOT_EMPTY');
    expect(department(world, '3')).toBeDefined();
  });

  test('so is one with foreign children', () => {
    const world = chain().converge();
    world.target.addDepartment({ name: 'Foreign', parentId: world.links.unit.get('3')!.targetId });
    world.unit('3', deletedUnit).converge();
    expect(codeOf(world, '3')).toBe('DEPARTMENT_NOT_EMPTY');
    expect(world.refusals).toEqual([]);
  });

  test("the platform's default department is not deleted", () => {
    const world = chain().converge();
    world.target.defaultDepartmentId = world.links.unit.get('3')!.targetId;
    world.unit('3', deletedUnit).converge();
    expect(codeOf(world, '3')).toBe('DEPARTMENT_NOT_EMPTY');
  });

  test('it waits for our own active people, not for those who have left', () => {
    const world = chain()
      .person('7', personFact({}))
      .member('7', membershipFact('1', '3'))
      .person('8', personFact({ email: 'left@example.com' }))
      .member('8', membershipFact('2', '3'))
      .converge();
    world.person('8', personFact({ email: 'left@example.com', active: false })).converge();
    world.unit('3', deletedUnit);
    expect(world.outcome('unit', '3')).toEqual({ kind: 'wait', on: { kind: 'person', id: '7' } });
    world.converge();
    expect(department(world, '3')).toBeUndefined();
    expect(world.target.users.get(world.links.person.get('7')!.targetId)?.departmentIds).toEqual([1]);
  });
});

describe('values', () => {
  test.each([
    ['null', null, 'FACT_INVALID'],
    ['blank', ' \t', 'FACT_INVALID'],
    ['256 characters', 'x'.repeat(256), 'VALUE_TOO_LONG'],
  ])('a %s name parks the unit', (_, name, code) => {
    expect(
      chain()
        .converge()
        .unit('3', unitFact({ parentId: '2', name }))
        .outcome('unit', '3'),
    ).toMatchObject({ code });
  });

  test('255 characters fit, emoji count as one each, outer blanks as none', () => {
    const world = chain()
      .converge()
      .unit('3', unitFact({ parentId: '2', name: `  ${'🙂'.repeat(255)}  ` }))
      .converge();
    expect(department(world, '3')?.name).toBe('🙂'.repeat(255));
  });

  test('unique units: the id counts too', () => {
    const world = chain();
    world.settings = { ...world.settings, uniqueUnits: true };
    world.unit('3', unitFact({ parentId: '2', name: 'x'.repeat(252) }));
    expect(world.converge().outcome('unit', '3')).toMatchObject({ code: 'VALUE_TOO_LONG' });
  });

  test('a rejected fact parks its unit with its code, and keeps what is linked', () => {
    const world = chain()
      .converge()
      .unit('3', unitFact({ parentId: '2', name: 'X', rejectedCode: 'FACT_INVALID' }));
    expect(world.outcome('unit', '3')).toEqual({ kind: 'park', code: 'FACT_INVALID' });
  });
});

function chainInto(world: World): World {
  world.unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'Region' }));
  return world.unit('3', unitFact({ parentId: '2', name: 'Shop' }));
}
