import type { SourceSite, SourceUnit } from './source.ts';
import { nameProblem } from './text.ts';

/** A unit that is to be mirrored, below its parent. */
export interface ExpectedUnit {
  readonly unit: SourceUnit;
  /** Null for the top unit. */
  readonly parentId: string | null;
  /** The department's name: the unit's, with its id under Unique Units. */
  readonly name: string;
  /** Why the name cannot be sent; undefined when it can. */
  readonly problem: string | undefined;
}

/** The tree that Learningbank is to show. */
export interface ExpectedTree {
  /** Top units; anything but one stops the tenant. */
  readonly tops: readonly SourceUnit[];
  /** By unit id, parents before children, the top unit first. */
  readonly units: ReadonlyMap<string, ExpectedUnit>;
  /** Units that hang below a deleted or absent unit: they wait (semantics §7.5). */
  readonly waiting: readonly SourceUnit[];
}

/** Deleted units and Ziik departments are not mirrored (decided 6). */
export function expectedTree(source: SourceSite, uniqueUnits: boolean): ExpectedTree {
  const mirrored = source.units.filter((unit) => !unit.deleted && unit.unitType !== 'department');
  const children = Map.groupBy(mirrored, (unit) => unit.parentId);
  const tops = children.get(null) ?? [];
  const units = new Map<string, ExpectedUnit>();
  const queue = tops.slice(0, 1);
  for (let unit = queue.shift(); unit; unit = queue.shift()) {
    const name = `${unit.name ?? ''}${uniqueUnits ? ` (${unit.id})` : ''}`;
    const problem = nameProblem(unit.name) ?? nameProblem(name);
    units.set(unit.id, { unit, parentId: unit.parentId, name, problem });
    queue.push(...(children.get(unit.id) ?? []));
  }
  return { tops, units, waiting: mirrored.filter((unit) => !units.has(unit.id)) };
}
