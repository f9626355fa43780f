/** Answers of Ziik's HTTP API: every field name and code of it, and nothing of it anywhere else. Sources: vendors.md §1. */
import { z } from 'zod';
import type { Page } from '../http.ts';
import type { Vendor } from '../vendor-failure.ts';
import { flag, int, maybe, one, several, text, textOrNull } from './ziik-answers.ts';
import type * as ziik from './ziik.ts';

/** Records in one page, at most; more is cut without a word. */
export const maxPageSize = 100;

const reference = z.object({ id: int });

const summary = {
  id: int,
  reference: textOrNull,
  name: text,
  first_name: text,
  last_name: text,
  active: flag,
  unit: maybe(reference),
};

interface SummaryFields {
  readonly id: number;
  readonly reference: string | null;
  readonly name: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly active: boolean;
  readonly unit: { readonly id: number } | null;
}

function toSummary(fields: SummaryFields): ziik.ZiikUserSummary {
  const { id, reference: key, name, first_name: firstName, last_name: lastName, active, unit } = fields;
  return { id, reference: key, name, firstName, lastName, active, unitId: unit?.id ?? null };
}

const userSummary: z.ZodType<ziik.ZiikUserSummary> = z.object(summary).transform(toSummary);

const user: z.ZodType<ziik.ZiikUser> = z
  .object({
    ...summary,
    email: textOrNull,
    admin: flag.nullish(),
    settings: maybe(z.object({ language: textOrNull, expire: int.nullish() })),
    userTypes: z.array(reference).nullish(),
  })
  .transform(({ email, admin, settings, userTypes, ...fields }) => ({
    ...toSummary(fields),
    email,
    language: settings?.language ?? null,
    admin: admin ?? false,
    expiresAt: settings?.expire ?? null,
    userTypeIds: (userTypes ?? []).map(({ id }) => id),
  }));

const unitFields = {
  id: int,
  reference: textOrNull,
  name: text,
  unit_type: z.string().default('unit'),
  parent: maybe(reference),
  parent_id: int.nullish(),
};

interface UnitFields {
  readonly id: number;
  readonly reference: string | null;
  readonly name: string;
  readonly unit_type: string;
  readonly parent: { readonly id: number } | null;
  readonly parent_id?: number | null | undefined;
}

function toUnit({ id, reference: key, name, unit_type: unitType, parent, parent_id }: UnitFields): ziik.ZiikUnit {
  return { id, reference: key, name, unitType, parentId: parent?.id ?? parent_id ?? null };
}

const unit: z.ZodType<ziik.ZiikUnit> = z.object(unitFields).transform(toUnit);

const unitNode: z.ZodType<ziik.ZiikUnitNode> = z.lazy(() =>
  z
    .object({ ...unitFields, children: z.array(unitNode).nullish() })
    .transform(({ children, ...fields }) => ({ ...toUnit(fields), children: children ?? [] })),
);

const membership: z.ZodType<ziik.ZiikMembership> = z
  .object({ unit: reference, department: maybe(reference), userTypes: z.array(reference).nullish() })
  .transform(({ unit: { id }, department, userTypes }) => ({
    unitId: id,
    departmentId: department?.id ?? null,
    userTypeIds: (userTypes ?? []).map((type) => type.id),
  }));

/** 1 and 2 until 2024, words later. What is neither is not a direct conversation. */
const direct = new Set<unknown>([1, '1', 'direct']);

const conversation: z.ZodType<ziik.ZiikConversation> = z
  .object({
    id: int,
    type: z.union([z.string(), z.number()]),
    participants: z.array(z.object({ id: int, active: flag.nullish() })),
    latestMessage: maybe(reference),
  })
  .transform(({ id, type, participants, latestMessage }) => ({
    id,
    type: direct.has(type) ? 'direct' : 'group',
    participants: participants.map((one) => ({ id: one.id, active: one.active ?? true })),
    latestMessageId: latestMessage?.id ?? null,
  }));

const instant = z.union([
  int.transform((seconds) => seconds * 1_000),
  z.iso.datetime({ offset: true }).transform(Date.parse),
]);

const service = new Set<unknown>([2, '2', 'service']);

const message: z.ZodType<ziik.ZiikMessage> = z
  .object({
    id: int,
    conversationId: int,
    type: z.union([z.string(), z.number()]).default(1),
    message: text,
    date: instant,
    deleted: flag.nullish(),
    author: maybe(reference),
  })
  .transform(({ id, conversationId, type, message: said, date, deleted, author }) => ({
    id,
    conversationId,
    kind: service.has(type) ? 'service' : 'normal',
    text: said,
    atMs: date,
    deleted: deleted ?? false,
    authorId: author?.id ?? null,
  }));

/** Samples disagree about `per_page`; what counts is what the answer says of itself. */
const page = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z
    .object({ data: z.array(item), meta: z.object({ current_page: int, last_page: int, total: int }) })
    .transform(({ data, meta }) => ({
      items: data,
      page: meta.current_page,
      totalPages: meta.last_page,
      total: meta.total,
    }));

/** A token as it is answered. */
export interface TokenAnswer {
  readonly jwt: string;
  /** Unix seconds on Ziik's clock. */
  readonly expires: number;
}

const token: z.ZodType<TokenAnswer> = z.object({
  jwt: z.string().regex(/^[\w.~+/=-]+$/u),
  expires: int,
});

const settings: z.ZodType<ziik.ZiikSettings> = z
  .object({
    site: z.object({ identifier: text, name: text, default_language: textOrNull }),
    modules: maybe(z.object({ chat: flag.nullish() })),
  })
  .transform(({ site, modules }) => ({
    identifier: site.identifier,
    name: site.name,
    defaultLanguage: site.default_language,
    chat: modules?.chat ?? true,
  }));

/** Answers, parsed into our own words; fields we do not know are ignored. */
export const answers = {
  token: one(token),
  user: one(user),
  settings: one(settings),
  users: page(userSummary),
  memberships: several(membership),
  units: page(unit),
  unit: one(unit),
  unitTree: several(unitNode),
  userTypes: several<ziik.ZiikUserType>(z.object({ id: int, reference: textOrNull, name: text })),
  conversations: page(conversation),
  conversation: one(conversation),
  messages: page(message),
  message: one(message),
};

/** Query of a list. `inactive` and `all` count by being there. */
export function query(pageNo: number, pageSize: number, more: Readonly<Record<string, string>> = {}): URLSearchParams {
  return new URLSearchParams({ page: `${pageNo}`, limit: `${pageSize}`, ...more });
}

/** Documented: `error.code`. The framework below says `message` and `errors` where Ziik itself says nothing. */
const refusal = z.union([
  z.object({
    error: z.object({
      code: z.union([z.string(), z.number()]).nullish(),
      fields: maybe(z.record(z.string(), z.unknown())),
    }),
  }),
  z.object({ message: z.string(), errors: maybe(z.record(z.string(), z.unknown())) }),
]);

/** How its failures are called here. */
export const vendor: Vendor = {
  codes: {
    unreachable: 'ZIIK_UNREACHABLE',
    error: 'ZIIK_ERROR',
    rateLimited: 'ZIIK_RATE_LIMITED',
    answerInvalid: 'ZIIK_ANSWER_INVALID',
    authFailed: 'ZIIK_AUTH_FAILED',
    forbidden: 'ZIIK_FORBIDDEN',
    notFound: 'ZIIK_NOT_FOUND',
    conflict: 'ZIIK_REFUSED',
    refused: 'ZIIK_REFUSED',
  },
  readRefusal: (body) => {
    const { data: said } = refusal.safeParse(body);
    if (said === undefined) return null;
    if (!('error' in said)) return { code: undefined, fields: Object.keys(said.errors ?? {}) };
    const { code, fields } = said.error;
    return { code: code === undefined || code === null ? undefined : `${code}`, fields: Object.keys(fields ?? {}) };
  },
};
