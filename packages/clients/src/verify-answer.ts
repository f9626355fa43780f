/**
 * Names of the fields whose answer is not what was asked for; empty = the answer says that it was done. A 200 proves
 * nothing by itself: gateways and half-done writes answer 200 too.
 *
 * Allowed to differ: what the platform may replace (`language`: unknown ones become the platform's; empty lists and a
 * job profile of null: its defaults), outer blanks, Unicode form, and the case of e-mail and username.
 */
export function verifyAnswer(asked: object, answer: object): string[] {
  const given = answer as Record<string, unknown>;
  return Object.entries(asked)
    .filter(([field, wanted]) => wanted !== undefined && !agrees(field, wanted, given[field]))
    .map(([field]) => field);
}

function agrees(field: string, wanted: unknown, given: unknown): boolean {
  switch (field) {
    case 'language':
      return true;
    case 'jobProfileId':
      return wanted === null || wanted === given;
    case 'email':
    case 'username':
      return sameText(wanted, given, true);
    case 'departmentIds':
      return sameDepartments(wanted as readonly number[], given as readonly number[]);
    case 'permissionTypeIds':
      return (wanted as readonly number[]).every((id) => (given as readonly number[]).includes(id));
    default:
      return sameText(wanted, given, false);
  }
}

function sameText(wanted: unknown, given: unknown, ignoreCase: boolean): boolean {
  return canonical(wanted, ignoreCase) === canonical(given, ignoreCase);
}

function canonical(value: unknown, ignoreCase: boolean): unknown {
  if (typeof value !== 'string') return value;
  const text = value.normalize('NFC').trim();
  return ignoreCase ? text.toLowerCase() : text;
}

/** The same set, and the same primary one. */
function sameDepartments(wanted: readonly number[], given: readonly number[]): boolean {
  if (wanted.length === 0) return given.length > 0;
  const set = new Set(wanted);
  return wanted[0] === given[0] && given.length === set.size && given.every((id) => set.has(id));
}

/** Names of the filters that an item of a filtered list does not fit: a platform that ignores one finds strangers. */
export function verifyFilter(filter: object, item: object): string[] {
  const { departmentId, ...fields } = filter as { departmentId?: number };
  const misfits = verifyAnswer(fields, item);
  const ids = (item as { departmentIds?: readonly number[] }).departmentIds;
  return departmentId === undefined || ids?.includes(departmentId) === true ? misfits : [...misfits, 'departmentId'];
}
