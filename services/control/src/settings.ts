import type { SettingsEdit } from '@orgstream/control-api';
import { AppError, settingsProblems, type IntegrationSettings } from '@orgstream/core';

/** Settings with an edit: what is left out stays, a list that is given replaces the list. */
export function mergeSettings(base: IntegrationSettings, edit: SettingsEdit): IntegrationSettings {
  return lowerCaseEmails(merge(base, edit) as IntegrationSettings);
}

export function lowerCaseEmails(settings: IntegrationSettings): IntegrationSettings {
  return { ...settings, protectedEmails: settings.protectedEmails.map((email) => email.toLowerCase()) };
}

function merge(base: unknown, edit: unknown): unknown {
  if (edit === undefined) return base;
  if (!isObject(base) || !isObject(edit)) return edit;
  const names = [...Object.keys(base), ...Object.keys(edit).filter((name) => !(name in base))];
  return Object.fromEntries(names.map((name) => [name, merge(base[name], edit[name])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws the first thing that cannot stand, with its field. Every tenant's source is a Ziik, so far. */
export function checkSettings(settings: IntegrationSettings): void {
  const problem = settingsProblems(settings, 'ziik')[0];
  if (!problem) return;
  throw new AppError(problem.code, `settings: ${problem.field}: ${problem.message}`, { field: problem.field });
}

export interface SettingsChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What differs, leaf by leaf; lists are leaves. */
export function diffSettings(from: unknown, to: unknown, path = ''): SettingsChange[] {
  if (isObject(from) && isObject(to)) {
    const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return names.flatMap((name) => diffSettings(from[name], to[name], path === '' ? name : `${path}.${name}`));
  }
  if (JSON.stringify(from) === JSON.stringify(to)) return [];
  return [{ path, from: from ?? null, to: to ?? null }];
}
