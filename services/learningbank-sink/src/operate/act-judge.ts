import type { ErrorCode } from '@orgstream/core';
import type { ObjectsAction } from '@orgstream/database';
import { lanes } from '../model.ts';
import { type Standing, undecided } from './act-store.ts';

/** Why an action does not fit an object, in a sentence. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the action needs of the object: `done` = it is that way already. Pure; null = it fits. */
export function judgeAction(
  action: ObjectsAction['action'],
  object: Standing,
  asked: { readonly hash?: string | undefined; readonly targetId?: number | undefined },
): Refusal | 'done' | null {
  const name = `${object.kind} ${object.id}`;
  if (!object.known) return { code: 'NOT_FOUND', message: `the integration has no ${name}` };
  const not = (why: string): Refusal => ({ code: 'ACTION_NOT_POSSIBLE', message: `${name} ${why}` });
  const changed = asked.hash !== undefined && asked.hash !== object.hash;
  switch (action) {
    case 'approve':
      if (object.approvedHash !== null && object.approvedHash === asked.hash && object.state !== 'held') return 'done';
      return undecidedYet(object, changed, not);
    case 'reject':
      if (object.holdCode === 'REJECTED' && !changed) return 'done';
      return undecidedYet(object, changed, not);
    case 'release':
      return object.holdCode !== null || object.resolution === 'ignore'
        ? null
        : not('is not undone, rejected or ignored: there is nothing to release');
    case 'retry':
      if (object.lane === lanes.gap) return not(`waits for a run, ${remedyOfGap}`);
      if (object.state === 'ready') return 'done';
      return object.state === 'parked' || object.state === 'conflict' || object.state === 'waiting'
        ? null
        : not(
            object.state === 'held'
              ? 'is held: approve, reject or release it'
              : 'is in step: there is nothing to retry',
          );
    case 'adopt':
      return judgeAdopt(object, asked.targetId, not);
    case 'create_new':
      return judgeCreateNew(object, not);
    case 'ignore':
      return object.resolution === 'ignore' ? 'done' : object.link?.isTop ? not('is the top unit') : null;
    case 'move_link':
      return judgeMove(object, not);
    case 'detach':
      if (object.link?.isTop) return not('is linked to the top department: remove the integration instead');
      if (object.link) return null;
      return object.resolution === 'ignore' ? 'done' : not('is not linked');
  }
}

const remedyOfGap = '"Initiate synchronisation" starts it';

type Not = (why: string) => Refusal;

function undecidedYet(object: Standing, changed: boolean, not: Not): Refusal | null {
  if (object.lane === lanes.gap) return not(`waits for a run, ${remedyOfGap}`);
  if (object.state !== 'held' || object.code === null || !undecided.includes(object.code)) {
    return not(
      object.holdCode === null ? 'is not held by the brake' : `is held as ${object.holdCode}: release it first`,
    );
  }
  if (!changed) return null;
  return { code: 'ITEM_CHANGED', message: `${object.kind} ${object.id} would now do something else: look again` };
}

function judgeAdopt(object: Standing, targetId: number | undefined, not: Not): Refusal | 'done' | null {
  if (object.link) return object.link.targetId === targetId ? 'done' : not('is linked already: detach it first');
  if (object.code === 'REHIRE') return not('is probably re-hired: move the link of the person who left');
  return (targetId ?? adoptableOf(object)) === undefined
    ? not('says nothing about what to adopt: name the id at the target')
    : null;
}

/** The target object that a match case is about. */
export function adoptableOf({ detail }: Pick<Standing, 'detail'>): number | undefined {
  const id = detail?.['targetId'];
  return typeof id === 'number' ? id : undefined;
}

const nameIsTaken: ReadonlySet<ErrorCode> = new Set([
  'DEPARTMENT_NAME_TAKEN',
  'DEPARTMENT_AMBIGUOUS',
  'PERMISSION_TYPE_NAME_TAKEN',
  'PERMISSION_TYPE_HAS_RIGHTS',
  'LINKED_ELSEWHERE',
  'TARGET_CONFLICT',
]);

/** An e-mail exists once in Learningbank; a department or permission type may get a name of its own. */
function judgeCreateNew(object: Standing, not: Not): Refusal | 'done' | null {
  if (object.kind === 'person') {
    return not(
      'cannot be made beside the user who has its address: adopt, ignore, or change the address at the source',
    );
  }
  if (object.resolution === 'create_new') return 'done';
  return object.code !== null && nameIsTaken.has(object.code) ? null : not('is no match case about a name');
}

function judgeMove(object: Standing, not: Not): Refusal | 'done' | null {
  if (object.kind !== 'person') return not('is no person: only links of people are moved');
  if (object.code !== 'REHIRE') return object.link ? 'done' : not('is no match case REHIRE');
  return typeof object.detail?.['person'] === 'string' ? null : not('does not say who left');
}
