import type { Policy } from '../model.ts';
import type { Way } from '../platform/session-pool.ts';
import type { Integration } from './integration-store.ts';

/** What every plan of an integration goes by now. */
export function policyOf(
  { tenant, settings }: Pick<Integration, 'tenant' | 'settings'>,
  way: Pick<Way, 'catalogue' | 'username'>,
  nowMs: number,
): Policy {
  // Our own API user is protected without being listed: deactivated, it could never be activated again by us.
  const protectedEmails = [...settings.protectedEmails, way.username];
  return { tenant, settings: { ...settings, protectedEmails }, catalogue: way.catalogue, nowMs };
}
