import { chooseText, type ErrorCode, renderTemplate } from '@orgstream/core';
import type { Receiver } from '../chat/port.ts';
import { partSizes, splitText } from '../chat/split-text.ts';
import type { LedgerRow, Payload } from '../ledger/row.ts';
import type { Settlement } from '../ledger/send-store.ts';
import type { KnownPerson } from './receiver-store.ts';
import type { TypeTexts } from './text-store.ts';

/** Sends without a trace after which nobody tries again. */
export const maxAttempts = 3;

/** What is known of a row so far; what is absent was not looked at yet. */
export interface Facts {
  readonly defaultLanguage: string;
  /** The person linked to the receiver, or whom a test is for; null: nobody is linked. */
  readonly person?: KnownPerson | null;
  /** Whom Ziik has under the receiver's e-mail. */
  readonly receiver?: Receiver;
  /** What the replica knows of that Ziik user. */
  readonly account?: KnownPerson;
  readonly type?: TypeTexts;
}

/** Limits and pauses of this attempt. */
export interface Patience {
  /** A send is looked up this long after it failed: who still carries it out has done so by then. */
  readonly settleMs: number;
  /** The next try after a failure that may pass. */
  readonly backoffMs: number;
  /** When to look again at what may not be sent at present. */
  readonly pollMs: number;
}

/** A message ready to be sent. */
export interface Message {
  readonly userId: number;
  readonly personId: string | null;
  readonly language: string | null;
  /** null: those that the text had when it was written. */
  readonly warnings: readonly string[] | null;
  readonly payload: Payload & { readonly parts: readonly [string, ...string[]] };
}

/** What to do next with a row. */
export type Step =
  /** Who is the receiver, in the replica? */
  | { readonly do: 'read_person' }
  /** Whom has Ziik under this e-mail? */
  | { readonly do: 'find'; readonly email: string }
  | { readonly do: 'read_account'; readonly userId: number }
  | { readonly do: 'read_type' }
  | { readonly do: 'send'; readonly message: Message }
  /** It may have been sent: look, send nothing. */
  | { readonly do: 'look'; readonly userId: number; readonly text: string }
  | { readonly do: 'settle'; readonly settlement: Settlement };

const ended = (to: 'skipped' | 'failed', code: ErrorCode, personId: string | null = null): Step => ({
  do: 'settle',
  settlement: { to, code, personId },
});

/**
 * The next step of a row: who receives it, what it says, then the send; a row that may have been sent is only ever
 * looked up. Pure and total: a row and its facts give one step, and each answer to a step brings it nearer to its end.
 */
export function nextStep(row: LedgerRow, facts: Facts): Step {
  if (row.state !== 'queued') return lookStep(row);
  // Once a part is out the rest goes to the same user, however the e-mail moves meanwhile.
  const to = row.partsSent > 0 && row.ziikUserId !== null ? accountStep(facts, row.ziikUserId) : whom(row, facts);
  if ('do' in to) return to;
  if (facts.type === undefined) return { do: 'read_type' };
  if (!facts.type.enabled) return ended('skipped', 'TYPE_OFF', to.personId);
  return write(row, facts, facts.type, to);
}

function lookStep({ payload, ziikUserId }: LedgerRow): Step {
  const text = payload?.parts?.[0];
  // Nothing to compare with: nobody will ever know.
  if (text === undefined || ziikUserId === null) return ended('failed', 'DELIVERY_UNKNOWN');
  return { do: 'look', userId: ziikUserId, text };
}

/** Who gets it. */
interface To {
  readonly userId: number;
  readonly personId: string | null;
  readonly language: string | null;
}

/** Linked first, then the e-mail; who is not there any more in the source gets nothing, whatever Ziik still says. */
function whom(row: LedgerRow, facts: Facts): Step | To {
  const { person, receiver } = facts;
  if (person === undefined) return { do: 'read_person' };
  if (person !== null) {
    const refusal = refused(person);
    if (refusal) return refusal;
    // The ids of a Ziik tenant's people are Ziik's user ids.
    if (/^[1-9]\d{0,14}$/u.test(person.personId)) {
      return { userId: Number(person.personId), personId: person.personId, language: person.language };
    }
  }
  const email = row.payload?.email?.trim() ?? '';
  if (email === '') return ended('skipped', 'RECEIVER_UNKNOWN', person?.personId);
  if (receiver === undefined) return { do: 'find', email };
  if (receiver.found !== 'one') {
    return ended('skipped', receiver.found === 'none' ? 'RECEIVER_UNKNOWN' : 'RECEIVER_WITHOUT_ACCOUNT');
  }
  if (!receiver.active) return ended('skipped', 'RECEIVER_INACTIVE');
  return accountStep(facts, receiver.userId);
}

function accountStep({ account, receiver }: Facts, userId: number): Step | To {
  if (account === undefined) return { do: 'read_account', userId };
  const theirs = receiver?.found === 'one' ? receiver.language : null;
  return refused(account) ?? { userId, personId: account.personId, language: account.language ?? theirs };
}

function refused({ erased, gone, personId }: KnownPerson): Step | null {
  if (erased) return ended('skipped', 'RECEIVER_UNKNOWN');
  return gone ? ended('skipped', 'RECEIVER_INACTIVE', personId) : null;
}

/** The text; of a message that is under way in parts, what is left of it as it was written then. */
function write(row: LedgerRow, { defaultLanguage }: Facts, type: TypeTexts, to: To): Step {
  const payload = row.payload ?? { email: null, fields: {}, link: null };
  const [next, ...rest] = payload.parts ?? [];
  if (next !== undefined && (row.partsSent > 0 || rest.length > 0)) {
    return {
      do: 'send',
      message: { ...to, language: row.language, warnings: null, payload: { ...payload, parts: [next, ...rest] } },
    };
  }
  const { template, from } = chooseText({ ...type, language: to.language, defaultLanguage });
  if (from === 'fallback' && type.unread) return unread;
  const { link } = payload;
  const { text, warnings } = renderTemplate(template, { ...payload.fields, ...(link === null ? {} : { link }) });
  if (text === '') return ended('failed', 'TEXT_EMPTY', to.personId);
  return { do: 'send', message: { ...to, warnings, payload: { ...payload, parts: [text] } } };
}

/** Learningbank may have a text of its own: edge reads its types as soon as there is a channel. */
const unread: Step = { do: 'settle', settlement: { to: 'queued', afterMs: 2_000, code: null, burnt: false } };

/** How a step failed. */
export interface Failure {
  /** `begin`: the message was not sent for sure; `send`: the POST failed; `look`: while looking it up. */
  readonly at: 'begin' | 'send' | 'look';
  readonly code: ErrorCode;
  readonly disposition: 'retry' | 'park' | 'halt';
  readonly waitMs: number;
  /** The message may be there all the same. */
  readonly mayHaveHappened: boolean;
  readonly tooLong: boolean;
  /** Our own doing (a stop, a lost lease): says nothing about the message. */
  readonly ourselves: boolean;
}

/** What came of a send or a look. */
export type Outcome =
  | { readonly found: { readonly conversationId: number; readonly messageId: number } }
  | { readonly found: null }
  | { readonly notBegun: true }
  | { readonly failure: Failure };

/** What becomes of a row after a send, a look, or a failure on the way. */
export function afterwards(row: LedgerRow, parts: readonly string[], outcome: Outcome, patience: Patience): Settlement {
  if ('failure' in outcome) return failed(row, parts, outcome.failure, patience);
  // Something forbids it: it is looked at again, and then it shows what.
  if ('notBegun' in outcome) return { to: 'queued', afterMs: patience.pollMs, code: null, burnt: false };
  if (outcome.found === null) return untraced(row, patience);
  const rest = parts.slice(1);
  const payload = row.payload ?? { email: null, fields: {}, link: null };
  return rest.length === 0
    ? { ...outcome.found, to: 'sent', payload: null }
    : { ...outcome.found, to: 'part_sent', payload: { ...payload, parts: rest } };
}

/** It was looked up and is not there, so it may be sent again; not for ever, unless Ziik itself said that it failed. */
function untraced(row: LedgerRow, { backoffMs }: Patience): Settlement {
  const burnt = row.code !== 'ZIIK_ERROR';
  if (burnt && row.attempts + 1 >= maxAttempts) return { to: 'failed', code: 'DELIVERY_UNKNOWN' };
  return { to: 'queued', afterMs: backoffMs, code: null, burnt };
}

function failed(row: LedgerRow, parts: readonly string[], failure: Failure, patience: Patience): Settlement {
  const { at, code, waitMs } = failure;
  const afterMs = Math.max(waitMs, patience.backoffMs);
  if (at === 'look') {
    // The conversation cannot be looked into any more: nobody will ever know.
    if (failure.disposition === 'park' && code !== 'UNEXPECTED') return { to: 'failed', code: 'DELIVERY_UNKNOWN' };
    return { to: 'unknown', afterMs, code: asUnknown(row.code) };
  }
  if (at === 'send' && failure.mayHaveHappened) return { to: 'unknown', afterMs: patience.settleMs, code };
  if (failure.ourselves) return { to: 'queued', afterMs: patience.pollMs, code: null, burnt: false };
  if (failure.tooLong) return shorter(row, parts) ?? { to: 'failed', code };
  if (failure.disposition === 'retry' || code === 'UNEXPECTED') return { to: 'queued', afterMs, code, burnt: false };
  if (code.startsWith('RECEIVER_')) return { to: 'skipped', code };
  // The conversation has gone since it was found: once more with another one.
  const again = code === 'ZIIK_NOT_FOUND' && row.attempts + 1 < maxAttempts;
  return again ? { to: 'queued', afterMs, code, burnt: true } : { to: 'failed', code };
}

/** What was unclear stays as unclear as it was. */
function asUnknown(code: string | null): ErrorCode {
  return code === 'ZIIK_ERROR' ? code : 'DELIVERY_UNKNOWN';
}

/** The same in smaller parts; null: smaller cannot be. */
function shorter(row: LedgerRow, parts: readonly string[]): Settlement | null {
  const [first = ''] = parts;
  const size = partSizes(first)[0];
  if (size === undefined) return null;
  const payload = row.payload ?? { email: null, fields: {}, link: null };
  const smaller = parts.flatMap((part) => splitText(part, size));
  return { to: 'queued', afterMs: 0, code: null, burnt: false, payload: { ...payload, parts: smaller } };
}
