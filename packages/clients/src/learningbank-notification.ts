import { z } from 'zod';
import type * as lb from './learningbank.ts';

/** What Postgres and a chat take: no NUL, no half of a character. */
const clean = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), { error: 'holds characters that are none' });
const name = z.string().regex(/^[\w.:-]{1,100}$/u, { error: 'must be 1 to 100 letters, digits or . : _ -' });

/** Part of the vendor's contract as we ASSUME it; see `learningbank-contract.ts`. Fields we do not know are ignored. */
const notification = z
  .object({
    id: z.union([z.int().nonnegative(), name]),
    type: name,
    occurredAt: z.iso.datetime({ offset: true }).transform((at) => Date.parse(at)),
    receiver: z.object({ userId: z.int().positive(), email: clean(254).nullish() }),
    fields: z
      .record(clean(100), clean(4_000))
      .refine((fields) => Object.keys(fields).length <= 100, { error: 'holds more than 100 fields' })
      .default({}),
    link: clean(2_000)
      .regex(/^https?:\/\/\S+$/iu, { error: 'must be an http or https address' })
      .nullish(),
  })
  .transform(({ id, type, occurredAt, receiver, fields, link }): lb.Notification => {
    return {
      id: String(id),
      type,
      occurredAtMs: occurredAt,
      userId: receiver.userId,
      email: receiver.email ?? null,
      fields,
      link: link ?? null,
    };
  });

/** What somebody says is a notification: one, or the places where it is none, without their values. */
export function readNotification(
  value: unknown,
): { readonly notification: lb.Notification } | { readonly problems: readonly string[] } {
  const parsed = notification.safeParse(value);
  if (parsed.success) return { notification: parsed.data };
  return {
    problems: parsed.error.issues.slice(0, 20).map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`),
  };
}

/** An entry of the list to poll. One that is none of ours must not hide those behind it, so only its id has to be right. */
export const listedNotification = z
  .object({ id: z.int().nonnegative() })
  .loose()
  .transform((value): lb.ListedNotification => {
    const read = readNotification(value);
    return 'notification' in read
      ? { id: value.id, notification: read.notification, problems: [] }
      : { id: value.id, notification: null, problems: read.problems };
  });
