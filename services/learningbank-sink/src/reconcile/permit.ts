import type { Operation } from '@orgstream/core';
import type { Ticket } from '../brake/book.ts';
import { isCall } from './executor.ts';
import { heldBy, isOutdated, judge } from './judge.ts';
import type { Claimed } from './keys.ts';
import type { ObjectContext, Planned } from './object-context.ts';
import type { RunEnd } from './retry.ts';
import type { Held } from './end-work.ts';
import { clearHold, dropUndo } from './work-store.ts';

/** What one claim may do, and its places in the windows of the brake. */
export class Grant {
  /** Of the desired state that was let through. */
  hash: string | null = null;
  operations: readonly Operation[] = [];
  approved = false;
  readonly #tickets: Ticket[] = [];

  covers(operations: readonly Operation[], hash: string): boolean {
    return this.hash === hash && operations.every((operation) => this.operations.includes(operation));
  }

  extend(
    operations: readonly Operation[],
    by: { readonly hash: string; readonly approved: boolean; readonly ticket: Ticket | null },
  ): void {
    this.hash = by.hash;
    this.operations = [...new Set([...this.operations, ...operations])];
    this.approved = by.approved;
    if (by.ticket) this.#tickets.push(by.ticket);
  }

  sending(): void {
    for (const ticket of this.#tickets) ticket.sending();
  }

  failed(): void {
    for (const ticket of this.#tickets) ticket.failed();
  }

  close(nowMs: number): void {
    for (const ticket of this.#tickets) ticket.close(nowMs);
  }
}

/**
 * Asked before anything is done for an object: what was decided about it, then the brake, then shadow mode. Undefined =
 * go on; the grant knows from then on what for.
 */
export async function permit(
  context: ObjectContext,
  claimed: Claimed,
  { planned, grant }: { readonly planned: Planned; readonly grant: Grant },
): Promise<RunEnd | undefined> {
  const { integration, brake } = context;
  const { kind, id, generation, standing } = claimed;
  // Only looks, and nobody holds it: what would be done is not known before.
  const looks = planned.outcome.kind === 'look_up';
  if (looks && standing.holdHash === null) return undefined;
  const { operations, hash } = planned.assess();
  // An operator decided to go back: neither holds nor the brake are asked. Not back from what the source said since.
  if (standing.undo) {
    if (isOutdated(standing, hash)) {
      await dropUndo(context.db, claimed);
      return { to: 'drop' };
    }
    grant.extend([], { hash, approved: true, ticket: null });
    return integration.shadow ? inShadow(planned, { operations, hash }) : undefined;
  }
  if (grant.covers(operations, hash)) return undefined;
  const hold = heldBy(standing, hash);
  if (looks) return hold ? { to: 'held', code: hold, operations, hash } : undefined;
  if (!hold && standing.holdHash !== null) await clearHold(context.db, claimed, hash);
  const judged = judge(standing, { operations, hash }, { kind, settings: integration.settings });
  if (judged.to === 'held') return { to: 'held', code: judged.code, operations, hash };
  let ticket: Ticket | null = null;
  if (!judged.approved) {
    const asked = operations.filter((operation) => !grant.operations.includes(operation));
    const admission = await brake.admit({ kind, id, generation, operations: asked, isFirst: standing.isFirst });
    if (!admission.pass) {
      return { to: 'held', code: 'BRAKE_TRIPPED', operations, hash, detail: { tripped: admission.held } };
    }
    ({ ticket } = admission);
  }
  grant.extend(operations, { hash, approved: judged.approved, ticket });
  return integration.shadow ? inShadow(planned, { operations, hash }) : undefined;
}

/** In shadow mode what would be sent is recorded; the top unit is linked, so that what is below it can be planned. */
function inShadow(planned: Planned, what: Pick<Held, 'operations' | 'hash'>): Held | undefined {
  const { outcome } = planned;
  const actions = outcome.kind === 'actions' ? outcome.actions : outcome.kind === 'first' ? [outcome.action] : [];
  if (!actions.some(isCall) && (what.operations.length === 0 || actions.every((one) => one.op === 'link' && one.isTop)))
    return undefined;
  return { to: 'held', code: 'SHADOW', ...what, detail: { calls: actions.map(({ op }) => op) } };
}
