import type { CallOptions, ZiikClient, ZiikUser } from '@orgstream/clients';
import { isAppError } from '@orgstream/core';
import type { Receiver } from './port.ts';

/** Users with one e-mail that are looked at one by one; more of them are no answer to the question. */
const mostCandidates = 5;

/** The user with this id. */
export async function receiverById(client: ZiikClient, userId: number, given: CallOptions): Promise<Receiver> {
  try {
    return receiverOf(await client.user(userId, given));
  } catch (error) {
    if (isAppError(error, 'ZIIK_NOT_FOUND')) return { found: 'none' };
    throw error;
  }
}

/** The one active user with this e-mail. Lists do not show it, so a Ziik that ignores the filter would name a stranger. */
export async function receiverByEmail(client: ZiikClient, email: string, given: CallOptions): Promise<Receiver> {
  const wanted = canonical(email);
  if (wanted === '') return { found: 'none' };
  for await (const page of client.searchUsers({ email: email.trim() }, { ...given, pageSize: mostCandidates })) {
    if (page.total > mostCandidates || page.items.length > mostCandidates) return { found: 'several' };
    const users: ZiikUser[] = [];
    for (const { id } of page.items) users.push(await client.user(id, given));
    const theirs = users.filter((user) => user.email !== null && canonical(user.email) === wanted);
    if (theirs.length > 1) return { found: 'several' };
    return theirs[0] === undefined ? { found: 'none' } : receiverOf(theirs[0]);
  }
  return { found: 'none' };
}

function receiverOf({ id, active, language }: ZiikUser): Receiver {
  return { found: 'one', userId: id, active, language };
}

function canonical(email: string): string {
  return email.normalize('NFC').trim().toLowerCase();
}
