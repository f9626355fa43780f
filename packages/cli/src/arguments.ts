import { operations, parseTenantKey, type Operation } from '@orgstream/core';
import { InvalidArgumentError } from 'commander';

const kinds = ['person', 'unit', 'role'] as const;
type Kind = (typeof kinds)[number];

/** One object as operators write it: `person/7`, with `@<hash>` bound to what they saw. */
export interface Reference {
  readonly kind: Kind;
  readonly id: string;
  readonly hash?: string;
}

/** A whole number of at least 1. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('it takes a whole number of at least 1.');
  return value;
}

/** `<source>.<site id>`. */
export function tenantKey(text: string): string {
  if (parseTenantKey(text)) return text;
  throw new InvalidArgumentError(`${text} is not <source>.<site id>, for example eu1.42.`);
}

/** `person/7`, `unit/12@<hash>`. */
export function reference(text: string): Reference {
  const [, kind, rest] = /^(person|unit|role)\/(.+)$/s.exec(text) ?? [];
  if (kind === undefined) {
    throw new InvalidArgumentError(
      `${text} is not <kind>/<source id>, for example person/7; kinds: ${kinds.join(', ')}.`,
    );
  }
  const [, id, hash] = /^(.+?)(?:@([0-9a-z]{6,}))?$/is.exec(rest!)!;
  return { kind: kind as Kind, id: id!, ...(hash === undefined ? {} : { hash }) };
}

/** For options and arguments that may be given more than once. */
export const references = (text: string, before: readonly Reference[] = []): readonly Reference[] => [
  ...before,
  reference(text),
];

export function operation(text: string): Operation {
  if ((operations as readonly string[]).includes(text)) return text as Operation;
  throw new InvalidArgumentError(`${text} is no operation; there are ${operations.join(', ')}.`);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Id of a run or a token. */
export function identifier(text: string): string {
  if (uuid.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError(`${text} is not an id like 0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10.`);
}

/** An integration: its id, or the key of a tenant that has one integration. */
export function integrationName(text: string): string {
  if (uuid.test(text)) return text.toLowerCase();
  if (parseTenantKey(text)) return text;
  throw new InvalidArgumentError(`${text} is neither an integration's id nor a tenant like eu1.42.`);
}

/** `on` or `off`. */
export function onOff(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new InvalidArgumentError('it takes on or off.');
}

/** A person's id in Ziik, bare or as `person/7`. */
export function personId(text: string): string {
  if (!text.includes('/')) return text;
  const { kind, id } = reference(text);
  if (kind !== 'person') throw new InvalidArgumentError(`${text} is no person.`);
  return id;
}

/** ISO 8601, with its time zone. */
export function instant(text: string): string {
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:?\d\d))?$/.test(text) || Number.isNaN(at.getTime())) {
    throw new InvalidArgumentError(`${text} is no time like 2026-03-01T08:00:00Z.`);
  }
  return at.toISOString();
}

export const isIdentifier = (text: string): boolean => uuid.test(text);
