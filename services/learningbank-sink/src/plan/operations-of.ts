import type { Operation } from '@orgstream/core';
import type { Action, AppliedUnit } from '../model.ts';
import type { Slot } from './unit-step.ts';

/** What one action does to its object, in the words of operators. Empty: only what is on record changes. */
export function operationsOf(action: Action, isLinked: boolean): readonly Operation[] {
  switch (action.op) {
    case 'department.create':
    case 'permission_type.create':
    case 'user.create':
      return ['create'];
    case 'department.update':
      return namesOf({ rename: action.set.name !== undefined, move: action.set.parentId !== undefined });
    case 'permission_type.update':
      return ['rename'];
    case 'department.delete':
    case 'permission_type.delete':
    case 'user.delete':
      return ['delete'];
    case 'user.update': {
      const { firstName, lastName, email, jobProfileId, firstDay, lastDay } = action.set;
      return namesOf({
        rename: firstName !== undefined || lastName !== undefined,
        email_changed: email !== undefined,
        job_profile_changed: jobProfileId !== undefined,
        dates_changed: firstDay !== undefined || lastDay !== undefined,
      });
    }
    case 'user.departments':
      return ['move'];
    case 'user.permissions':
      return namesOf({ permission_added: action.add.length > 0, permission_removed: action.remove.length > 0 });
    case 'user.deactivate':
      return ['deactivate'];
    case 'user.reactivate':
      return ['reactivate'];
    case 'link':
      return isLinked ? [] : ['adopt'];
    case 'unlink':
    case 'job_profile.create':
      return [];
  }
}

/** What brings a department from where it is to where it belongs. */
export function operationsOfUnit(applied: AppliedUnit, slot: Slot): readonly Operation[] {
  return namesOf({ rename: applied.name !== slot.name, move: applied.parentId !== slot.parentId });
}

function namesOf(what: Partial<Readonly<Record<Operation, boolean>>>): readonly Operation[] {
  return (Object.keys(what) as Operation[]).filter((operation) => what[operation]);
}
