import type { ApiCall } from './call.ts';
import { unitRef } from './render-unit.ts';
import type { UserRow } from './user-store.ts';

/** A user as lists and messages show one: no e-mail, no language, no roles. */
export function userSummary({ site }: ApiCall, user: UserRow): Record<string, unknown> {
  const units = new Map(user.units.map((unit) => [unit.id, unit]));
  const unit = unitRef(units, user.units[0]?.id ?? null, site.settings);
  return {
    content_type: 'user',
    id: Number(user.id),
    reference: user.reference ?? '',
    name: fullName(user),
    first_name: user.firstName ?? '',
    last_name: user.lastName ?? '',
    title: null,
    avatar: null,
    active: user.active,
    unit,
    physicalUnit: unit,
    url: `api/users/${user.id}`,
    ...Object.fromEntries([0, 1, 2, 3, 4].map((field) => [`meta_field_${field}`, null])),
  };
}

/** What one user's own page adds. */
export function userDetail(call: ApiCall, user: UserRow, roles: readonly object[]): object {
  return {
    ...userSummary(call, user),
    email: user.email ?? '',
    phone: null,
    country: null,
    birthday: null,
    ask_about: null,
    quote: '',
    description: '',
    policy_accept: true,
    latest_release: 0,
    admin: user.admin,
    system_admin: false,
    permissions: { edit: call.actor.admin, delete: call.actor.admin },
    settings: {
      timezone: null,
      show_birthdays: 'none',
      birthdays_optout: false,
      expire: user.expiresAt === null ? null : Math.floor(user.expiresAt.getTime() / 1_000),
      language: user.language ?? call.site.defaultLanguage ?? 'en',
    },
    userTypes: roles,
    memberGroups: [],
  };
}

/** First and last name. */
export function fullName(user: Pick<UserRow, 'firstName' | 'lastName'>): string {
  return [user.firstName, user.lastName].filter(Boolean).join(' ');
}
