import { AppError, type ErrorCode, isAppError, type Kind, kinds } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Assessment, ObjectKey, Outcome } from '../model.ts';
import { assess, loadPlanInputs, plan } from '../plan/index.ts';
import { userAsIs } from '../reconcile/executor.ts';
import { policyOf } from '../reconcile/policy.ts';
import { readTarget } from '../reconcile/read-back.ts';
import { readLink } from '../reconcile/link-store.ts';
import type { CommandContext, CommandHandler } from '../runs/commands.ts';
import { readStanding, type Standing } from './act-store.ts';
import { type Applied, inTerms, readNames } from './terms.ts';

type Terms = Readonly<Record<string, unknown>>;

/** A fact the object is made of, with the position of the source at which it was last said. */
interface FactSeen {
  readonly kind: Kind;
  readonly id: string;
  readonly deleted: boolean;
  readonly position: { readonly epoch: string; readonly lsn: string; readonly seq: number; readonly offset: string };
  readonly rejected: ErrorCode | null;
  readonly fields: Terms;
}

/** What the target has: seen just now, or why it was not seen. */
type Observed =
  | { readonly state: 'seen'; readonly targetId: number; readonly value: Terms }
  | { readonly state: 'gone'; readonly targetId: number }
  | { readonly state: 'not_linked' }
  | { readonly state: 'unknown'; readonly code: ErrorCode };

/** Why an object is as it is: what the source says, what is wanted, what we did, what is there, and what stands between. */
interface Explanation {
  readonly facts: readonly FactSeen[];
  /** As the planner wants it, in source terms; null = nothing, or left alone. */
  readonly desired: Terms | null;
  readonly applied: Terms | null;
  readonly observed: Observed;
  readonly assessment: Assessment | null;
  /** What the planner would do next. */
  readonly next: Terms | null;
  readonly work: Pick<Standing, 'state' | 'lane' | 'code' | 'detail' | 'hash'> | null;
  readonly holds: { readonly code: ErrorCode } | null;
  readonly resolution: Standing['resolution'];
}

/** Who asks waits: the target has this long to answer. */
const lookMs = 2_000;

/** Answers "why?" about one object. Changes nothing. Throws NOT_FOUND for an object nobody ever heard of. */
export const explain: CommandHandler<'explain'> = async (payload, context): Promise<Explanation> => {
  const { db, integration } = context;
  const key: ObjectKey = { kind: payload.kind, id: payload.id };
  const [standing] = await readStanding(db, integration, [key]);
  if (!standing?.known) throw new AppError('NOT_FOUND', `the integration has no ${key.kind} ${key.id}`);
  const [facts, names, link, planned] = await Promise.all([
    readFacts(db, integration.tenant, key),
    readNames(db, integration.id),
    readLink(db, { integrationId: integration.id, ...key }),
    plannedOf(context, key),
  ]);
  const { state, lane, code, detail, hash, holdCode, resolution } = standing;
  const observed = await observe(context, key, link?.targetId ?? null, (applied) => inTerms(key.kind, applied, names)!);
  return {
    facts,
    desired: planned?.assessment.after ?? null,
    applied: inTerms(key.kind, (link?.applied ?? null) as Applied | null, names),
    observed,
    assessment: planned?.assessment ?? null,
    next: planned && outcomeTerms(planned.outcome),
    work: state === null ? null : { state, lane, code, detail, hash },
    holds: holdCode === null ? null : { code: holdCode },
    resolution,
  };
};

/** Without a way to the platform its catalogue is not known, and nothing can be planned. */
async function plannedOf(
  { db, integration, way, now }: CommandContext,
  key: ObjectKey,
): Promise<{ readonly assessment: Assessment; readonly outcome: Outcome } | null> {
  if (!way) return null;
  const policy = policyOf(integration, way, now().getTime());
  const input = (await loadPlanInputs(db, integration, [key])).get(`${key.kind}/${key.id}`);
  return input ? { assessment: assess(input, policy), outcome: plan(input, policy) } : null;
}

function outcomeTerms(outcome: Outcome): Terms {
  switch (outcome.kind) {
    case 'actions':
      return { kind: outcome.kind, calls: outcome.actions.map(({ op }) => op) };
    case 'wait':
      return { kind: outcome.kind, on: outcome.on, code: outcome.code ?? null };
    case 'park':
    case 'conflict':
    case 'halt':
      return { kind: outcome.kind, code: outcome.code };
    case 'first':
      return { kind: outcome.kind, object: outcome.object, call: outcome.action.op };
    case 'look_up':
    case 'settled':
      return { kind: outcome.kind };
  }
}

async function observe(
  { way }: CommandContext,
  { kind }: ObjectKey,
  targetId: number | null,
  terms: (applied: Applied) => Terms,
): Promise<Observed> {
  if (targetId === null) return { state: 'not_linked' };
  if (!way) return { state: 'unknown', code: 'PLATFORM_PAUSED' };
  try {
    const found = await Promise.race([readTarget(way.session, kind, targetId), tooLate()]);
    if (!found) return { state: 'gone', targetId };
    const applied = 'email' in found ? userAsIs(found) : (found as unknown as Applied);
    return { state: 'seen', targetId, value: terms(applied) };
  } catch (error) {
    return { state: 'unknown', code: isAppError(error) ? error.code : 'UNEXPECTED' };
  }
}

function tooLate(): Promise<never> {
  const late = new AppError('TARGET_UNREACHABLE', 'looking at an object: the target takes too long');
  return new Promise((_, reject) => setTimeout(() => reject(late), lookMs).unref());
}

/** The object's own fact, and of a person its memberships and what is assigned in them. */
const belongs: Readonly<Record<Kind, string | null>> = {
  tenant: null,
  unit: `:kind = 'unit' and f.id = :id`,
  role: `:kind = 'role' and f.id = :id`,
  person: `:kind = 'person' and f.id = :id`,
  membership: `:kind = 'person' and f.person_id = :id`,
  assignment: `:kind = 'person' and f.membership_id in (select m.id from sink.membership m where m.tenant = :tenant and m.person_id = :id)`,
};

const bookkeeping = `array['tenant','id','epoch','lsn','seq','log_offset','deleted','seen_snapshot','seen_chunk','rejected_code',
  'rejected_detail','rejected_epoch','rejected_lsn','rejected_seq','rejected_offset','expiry_marked']`;

async function readFacts(db: Knex, tenant: string, { kind, id }: ObjectKey): Promise<readonly FactSeen[]> {
  const facts = await Promise.all(
    kinds.flatMap((of) => {
      const where = belongs[of];
      return where === null ? [] : [readFactsOf(db, of, { where, tenant, kind, id })];
    }),
  );
  return facts.flat();
}

interface FactRow {
  readonly id: string;
  readonly deleted: boolean;
  readonly epoch: string;
  readonly lsn: string;
  readonly seq: number;
  readonly log_offset: string;
  readonly rejected_code: ErrorCode | null;
  readonly fields: Terms;
}

async function readFactsOf(
  db: Knex,
  of: Kind,
  { where, ...ids }: { readonly where: string; readonly tenant: string; readonly kind: string; readonly id: string },
): Promise<readonly FactSeen[]> {
  const { rows } = await db.raw<{ rows: FactRow[] }>(
    `select f.id, f.deleted, f.epoch, f.lsn, f.seq, f.log_offset, f.rejected_code, to_jsonb(f) - ${bookkeeping} as fields
       from sink.${of} f where f.tenant = :tenant and ${where} order by f.id limit 200`,
    ids,
  );
  return rows.map(({ epoch, lsn, seq, log_offset, rejected_code, ...rest }) => ({
    kind: of,
    ...rest,
    position: { epoch, lsn, seq, offset: log_offset },
    rejected: rejected_code,
  }));
}
