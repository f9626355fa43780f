import type { ErrorCode, IntegrationSettings } from '@orgstream/core';
import type { TargetId } from '../model.ts';
import { behaviourOf } from './presets.ts';
import { isInScope } from './scope.ts';

interface Named {
  readonly id: TargetId;
  readonly name: string;
}

/** A user as the target lists it, with the names of what it has. */
export interface ListedUser {
  readonly id: TargetId;
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly externalId: string | null;
  readonly isActive: boolean;
  readonly departments: readonly Named[];
  readonly jobProfile: Named | null;
  readonly permissionTypes: readonly Named[];
}

/** What the source delivers, and what is known of it. */
export interface Delivered {
  /** Users linked to people of the integration: their own work says what becomes of them, also when they left. */
  readonly linkedUserIds: ReadonlySet<TargetId>;
  /** Addresses of everybody who is delivered, linked or not. */
  readonly emails: Iterable<string>;
  /** A snapshot with equal counts covers them: without one nobody is missing (semantics.md §7.3). */
  readonly isProved: boolean;
}

type Verdict = { readonly refused: ErrorCode } | { readonly deactivate: readonly TargetId[] };

/**
 * *Deactivate users*: every active user of the platform whom the source does not deliver. Left aside are protected ones
 * and whoever is excluded or out of scope: untouched means managed by hand. Refused while two integrations share the
 * platform: one would deactivate the other's people (semantics.md §5).
 */
export function undelivered(
  users: readonly ListedUser[],
  delivered: Delivered,
  { settings, isShared }: { readonly settings: IntegrationSettings; readonly isShared: boolean },
): Verdict {
  if (!settings.deactivateUsers) return { deactivate: [] };
  if (behaviourOf(settings).undelivered === 'left_alone') return { refused: 'SETTING_NOT_OF_PRESET' };
  if (isShared) return { refused: 'PLATFORM_SHARED' };
  if (!delivered.isProved) return { refused: 'SNAPSHOT_MISSING' };
  const emails = new Set([...delivered.emails, ...settings.protectedEmails].map((email) => email.trim().toLowerCase()));
  const goes = (user: ListedUser): boolean =>
    user.isActive &&
    !delivered.linkedUserIds.has(user.id) &&
    !emails.has(user.email?.trim().toLowerCase() ?? '') &&
    isInScope(settings.filters, tabsOfUser(user));
  return { deactivate: users.filter(goes).map(({ id }) => id) };
}

function tabsOfUser(user: ListedUser): Parameters<typeof isInScope>[1] {
  const texts = (list: readonly Named[]): readonly string[] => list.flatMap(({ id, name }) => [`${id}`, name]);
  return {
    users: [`${user.id}`, user.externalId, user.email, `${user.firstName.trim()} ${user.lastName.trim()}`],
    departments: texts(user.departments),
    jobProfiles: texts(user.jobProfile ? [user.jobProfile] : []),
    permissions: texts(user.permissionTypes),
  };
}
