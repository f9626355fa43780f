/** What our marker in a target's external id says. */
export interface Marker {
  readonly tenant: string;
  readonly kind: 'unit' | 'role' | 'person';
  readonly id: string;
}

/** Reads `tenant:kind:id`; undefined when the external id is not one of ours. */
export function parseMarker(externalId: string | null): Marker | undefined {
  const match = /^([a-z0-9][a-z0-9-]*\.\d+):(unit|role|person):(.+)$/.exec(externalId ?? '');
  return match ? { tenant: match[1]!, kind: match[2] as Marker['kind'], id: match[3]! } : undefined;
}

/** Source id of an object that this tenant made, of this kind. */
export function ownId(externalId: string | null, tenant: string, kind: Marker['kind']): string | undefined {
  const marker = parseMarker(externalId);
  return marker?.tenant === tenant && marker.kind === kind ? marker.id : undefined;
}
