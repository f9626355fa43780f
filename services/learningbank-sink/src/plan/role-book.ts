import type { AppliedRole, RoleLink, TargetId } from '../model.ts';
import type { Resolution, RoleFact, Undo, WorkState } from './facts.ts';
import type { ErrorCode } from '@orgstream/core';

/** A role with what is true at the target and what is outstanding. */
export interface RoleNode {
  readonly id: string;
  readonly fact: RoleFact | null;
  readonly link: RoleLink | null;
  readonly work: WorkState | null;
  /** Code of that work while it is parked or a match case: people do not wait for such a role. */
  readonly blockedBy: ErrorCode | null;
  /** An active user of ours to whom we assigned its permission type; known only for roles that are to go. */
  readonly memberId: string | null;
  readonly resolution?: Resolution | null;
  readonly undo?: Undo<AppliedRole> | null;
  /** Set by {@link RoleBook.undone}: exactly this name. */
  readonly back?: string;
}

/** Left alone because an operator said so. A role that goes back is not: that was asked for later. */
export function isIgnored({ resolution, undo }: RoleNode): boolean {
  return resolution?.action === 'ignore' && !undo;
}

/** What a person's plan asks of the roles. */
export type Roles = Pick<RoleBook, 'get' | 'at'>;

/** All roles of an integration. One book serves a whole batch of plans. */
export class RoleBook {
  readonly #nodes = new Map<string, RoleNode>();
  readonly #byTarget = new Map<TargetId, string>();
  readonly #byName = new Map<string, string>();
  #undone: RoleBook | undefined;

  constructor(nodes: Iterable<RoleNode>) {
    for (const node of nodes) {
      this.#nodes.set(node.id, node);
      this.#index(node);
    }
  }

  get(id: string): RoleNode | undefined {
    return this.#nodes.get(id);
  }

  /** The role whose permission type this is. */
  at(targetId: TargetId): RoleNode | undefined {
    return this.get(this.#byTarget.get(targetId) ?? '');
  }

  /** The role of ours whose permission type has this name now. */
  holderOf(name: string): RoleNode | undefined {
    return this.get(this.#byName.get(name.trim()) ?? '');
  }

  /** True when one of our roles' permission types has this name. */
  has(name: string): boolean {
    return this.#byName.has(name.trim());
  }

  /** The same with the facts of then for roles that go back: the plan brings those about like any others. */
  undone(): RoleBook {
    if (this.#undone) return this.#undone;
    const nodes = [...this.#nodes.values()];
    this.#undone = nodes.some(({ undo }) => undo) ? new RoleBook(nodes.map(asOfThen)) : this;
    return this.#undone;
  }

  #index({ id, link }: RoleNode): void {
    if (!link) return;
    this.#byTarget.set(link.targetId, id);
    this.#byName.set(link.applied.name.trim(), id);
  }
}

function asOfThen(node: RoleNode): RoleNode {
  const { undo } = node;
  if (!undo) return node;
  const name = undo.applied?.name ?? null;
  const fact = { name, deleted: name === null, rejectedCode: null };
  return name === null ? { ...node, fact } : { ...node, fact, back: name };
}
