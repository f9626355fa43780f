type Json = Record<string, unknown>;

/**
 * The body of a 200 that is not true: the object as it is (a write was not done), with every value changed, so that
 * whatever was asked for is not what the answer shows.
 */
export function lieAbout(truth: unknown, asked: { route: string; body: unknown }): unknown {
  const envelope = truth as { data?: unknown };
  if (Array.isArray(envelope.data))
    return { ...envelope, data: envelope.data.map((item) => distort(item as Json, asked)) };
  return { data: distort((envelope.data ?? {}) as Json, asked) };
}

function distort(object: Json, asked: { route: string; body: unknown }): Json {
  const lie: Json = { ...object };
  for (const key of ['name', 'firstName', 'lastName', 'username', 'externalId', 'language', 'phone'] as const) {
    if (key in lie) lie[key] = `${String(lie[key])} (other)`;
  }
  if ('email' in lie) lie['email'] = `other-${String(lie['email'])}`;
  if ('parentId' in lie) lie['parentId'] = Number(lie['parentId'] ?? 0) + 1_000_000;
  for (const key of ['firstDay', 'lastDay'] as const) if (key in lie) lie[key] = '1900-01-01';
  if ('departments' in lie) lie['departments'] = [];
  if ('jobProfile' in lie) lie['jobProfile'] = null;
  if ('isActive' in lie) lie['isActive'] = !wantsActive(lie, asked);
  if ('permissionTypes' in lie) lie['permissionTypes'] = notThose(asked.body);
  return lie;
}

function wantsActive(object: Json, asked: { route: string; body: unknown }): boolean {
  if (asked.route.endsWith('/deactivate')) return false;
  if (asked.route.endsWith('/reactivate')) return true;
  const body = (asked.body ?? {}) as Json;
  return body['isActive'] === undefined ? object['isActive'] === true : body['isActive'] === true;
}

/** What was to be taken is there, what was to be given is not. */
function notThose(body: unknown): unknown[] {
  const remove = ((body ?? {}) as Json)['remove'];
  return Array.isArray(remove) ? remove.map((id: unknown) => ({ id, name: 'kept' })) : [];
}
