import type { ObjectDetail } from '@orgstream/control-api';
import { codes, isAppError, manualOf, type ErrorCode } from '@orgstream/core';
import { withdrawCommand } from '@orgstream/database';
import type { IntegrationHead } from './access.ts';
import type { Deps } from './deps.ts';
import { listAttemptPage, toAttempt } from './stores/attempt-store.ts';
import { laneNames } from './stores/sql.ts';
import {
  readFacts,
  readItemRuns,
  readLink,
  readResolution,
  readWork,
  type LinkRow,
  type WorkRow,
} from './stores/why-store.ts';

/** Attempts shown of one object. */
const ATTEMPTS = 100;

/** Everything on record about one object; undefined when there is nothing. */
export async function why(
  deps: Deps,
  head: IntegrationHead,
  object: { readonly kind: ObjectDetail['kind']; readonly id: string; readonly explain: boolean },
): Promise<ObjectDetail | undefined> {
  const { db } = deps;
  const key = { integration: head.id, kind: object.kind, id: object.id };
  const [facts, work, link, resolution, runs, attempts] = await Promise.all([
    readFacts(db, head.tenant, object.kind, object.id),
    readWork(db, key),
    readLink(db, key),
    readResolution(db, key),
    readItemRuns(db, key),
    listAttemptPage(db, { ...key, limit: ATTEMPTS }),
  ]);
  if (facts.length === 0 && !work && !link && attempts.length === 0) return undefined;
  const state = work?.state ?? 'in_step';
  return {
    ...key,
    tenant: head.tenant,
    name: nameOf(facts[0]?.fields),
    state,
    summary: summaryOf(work, link),
    facts,
    work: work ? toWork(work) : null,
    link: link ? toLink(link) : null,
    resolution,
    runs,
    attempts: attempts.slice(0, ATTEMPTS).map(toAttempt),
    ...(await explain(deps, head, object)),
  };
}

function nameOf(fields: Readonly<Record<string, unknown>> | undefined): string | null {
  const { name, firstName, lastName } = fields ?? {};
  const words = [name, firstName, lastName].filter((word) => typeof word === 'string' && word !== '');
  return words.length === 0 ? null : words.join(' ');
}

function summaryOf(work: WorkRow | undefined, link: LinkRow | undefined): string {
  if (!work) return link ? 'In step with the target.' : 'Not linked, and nothing is outstanding: it is left alone.';
  const rule = work.code === null ? '' : ` ${manualOf(asCode(work.code)).meaning}`;
  switch (work.state) {
    case 'ready':
      return work.lane === 3 ? 'Outstanding; waits for a run.' : 'Outstanding; it is next to be worked on.';
    case 'waiting':
      return work.waits_id === null ? `Waiting.${rule}` : `Waits for ${work.waits_kind} ${work.waits_id}.${rule}`;
    case 'held':
      return `Held.${rule}`;
    case 'parked':
      return `Parked.${rule}`;
    case 'conflict':
      return `A match case: an operator decides.${rule}`;
  }
}

const asCode = (code: string): ErrorCode => (code in codes ? (code as ErrorCode) : 'UNEXPECTED');

function toWork(row: WorkRow): NonNullable<ObjectDetail['work']> {
  const entry = row.code === null ? null : manualOf(asCode(row.code));
  return {
    state: row.state,
    lane: laneNames[row.lane]!,
    code: row.code,
    rule: entry?.meaning ?? null,
    remedy: entry?.remedy ?? null,
    detail: row.detail,
    waitsFor: row.waits_id === null ? null : { kind: row.waits_kind!, id: row.waits_id },
    operations: row.operations,
    hash: row.hash,
    hold: row.hold_code === null ? null : { code: row.hold_code, hash: row.hold_hash },
    forRun: row.for_run,
    run: row.run_id,
    cause: { epoch: row.cause_epoch, lsn: row.cause_lsn },
    attempts: row.attempts,
    committedAt: row.committed_at.toISOString(),
    markedAt: row.marked_at.toISOString(),
    nextAt: row.next_at.toISOString(),
  };
}

function toLink(row: LinkRow): NonNullable<ObjectDetail['link']> {
  return {
    targetId: Number(row.target_id),
    madeByUs: row.made_by_us,
    isTop: row.is_top,
    applied: row.applied,
    linkedAt: row.linked_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** Asks planner and target; whatever goes wrong is a note: the rest of the answer stands without it. */
async function explain(
  deps: Deps,
  { id: integration, product }: IntegrationHead,
  {
    kind,
    id,
    explain: wanted,
  }: { readonly kind: ObjectDetail['kind']; readonly id: string; readonly explain: boolean },
): Promise<Pick<ObjectDetail, 'explained' | 'explainedNote'>> {
  if (!wanted) return { explained: null, explainedNote: 'not asked for' };
  if (product === 'login') return { explained: null, explainedNote: 'the integration is for login only' };
  const payload = { integration, kind, id };
  try {
    const asked = await deps.commands.ask({ addressee: 'learningbank-sink', kind: 'explain', payload });
    if (asked.state === 'done') return { explained: asked.result, explainedNote: null };
    // Nobody would read the answer, and it costs calls to the platform.
    await withdrawCommand(deps.db, asked.id);
    return { explained: null, explainedNote: 'the sink that owns the platform did not answer in time' };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { explained: null, explainedNote: `${error.code}: ${error.message}` };
  }
}
