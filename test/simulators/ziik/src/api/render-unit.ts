import type { Id } from '../db.ts';
import type { UnitRow } from './unit-store.ts';
import type { SiteSettings } from './settings.ts';

type Units = ReadonlyMap<Id, UnitRow>;

/** 0 = top. A loop, which a broken import leaves, counts as far as it is walked. */
function levelOf(units: Units, unit: UnitRow): number {
  return lineOf(units, unit).length - 1;
}

/** From the unit up to its top. */
function lineOf(units: Units, unit: UnitRow): UnitRow[] {
  const line = [unit];
  for (let at = unit.parentId; at !== null;) {
    const parent = units.get(at);
    if (!parent || line.includes(parent)) break;
    line.push(parent);
    at = parent.parentId;
  }
  return line;
}

/** A unit as users and messages name it, with its parents inside. */
export function unitRef(units: Units, id: Id | null, settings: SiteSettings): unknown {
  const unit = id === null ? undefined : units.get(id);
  if (!unit) return null;
  return lineOf(units, unit).reduceRight<unknown>((parent, one) => refOf(units, one, parent, settings), null);
}

function refOf(units: Units, unit: UnitRow, parent: unknown, settings: SiteSettings): Record<string, unknown> {
  return {
    content_type: 'unit',
    id: Number(unit.id),
    name: unit.name ?? '',
    level: levelOf(units, unit),
    unit_type: unit.unitType,
    ...(settings.parents === 'id' ? { parent_id: unit.parentId === null ? null : Number(unit.parentId) } : { parent }),
    url: `api/units/${unit.id}`,
  };
}

/** An empty `{}` as Ziik sends it: mostly `[]`. */
export function emptyObject(settings: SiteSettings): unknown {
  return settings.emptyObjects === 'array' ? [] : {};
}

/** A unit in a list, with its departments and counts of what is below it. */
export function unitSummary(
  units: Units,
  unit: UnitRow,
  people: number,
  settings: SiteSettings,
): Record<string, unknown> {
  const children = [...units.values()].filter((one) => one.parentId === unit.id);
  const subUnits = children.filter((one) => one.unitType === 'unit');
  const below = [...units.values()].filter((one) => one !== unit && lineOf(units, one).includes(unit)).length;
  return {
    ...(unitRef(units, unit.id, settings) as object),
    reference: unit.reference ?? '',
    description: null,
    path: lineOf(units, unit)
      .map((one) => one.id)
      .reverse()
      .join('/'),
    falldown: false,
    features: [],
    departments: children
      .filter((one) => one.unitType === 'department')
      .map((one) => refOf(units, one, null, settings)),
    image: null,
    children: subUnits.map((one) => ({ id: Number(one.id), name: one.name ?? '' })),
    stats:
      people + below === 0
        ? emptyObject(settings)
        : { users: people, children: subUnits.length, children_total: below },
    permissions: { edit: true, delete: unit.parentId !== null },
  };
}
