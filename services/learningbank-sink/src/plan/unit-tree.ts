import type { AppliedUnit, TargetId, UnitLink } from '../model.ts';
import type { Resolution, Undo, UnitFact, WorkState } from './facts.ts';

/** A unit with what is true at the target and what is outstanding. */
export interface UnitNode {
  readonly id: string;
  /** Null: only heard of, as somebody's parent or by its link. */
  readonly fact: UnitFact | null;
  readonly link: UnitLink | null;
  readonly work: WorkState | null;
  /** An active user of ours who is in its department; known only for units that are to go. */
  readonly memberId: string | null;
  /** Nobody of them will leave: somebody who is left alone is in it (semantics.md §5), like a foreign user. */
  readonly keepsMember?: boolean;
  readonly resolution?: Resolution | null;
  readonly undo?: Undo<AppliedUnit> | null;
  /** Set by {@link UnitTree.undone}: exactly this name, and perhaps a parent that is no unit's department. */
  readonly back?: { readonly name: string; readonly parentId: TargetId | null };
}

/** True when the unit must not have a department: deleted, or a Ziik department (semantics.md §1, decided 6). */
export function isGone(node: UnitNode): boolean {
  return node.fact !== null && (node.fact.deleted || node.fact.isDepartment);
}

/** What a step asks of the units. */
export type Units = Pick<UnitTree, 'get' | 'nodes' | 'top' | 'at' | 'holderOf' | 'childrenOf'>;

/** Left alone because an operator said so. A unit that goes back is not: that was asked for later. */
export function isIgnored({ resolution, undo }: UnitNode): boolean {
  return resolution?.action === 'ignore' && !undo;
}

/**
 * All units of a tenant, indexed by what their departments are now: by department, by (parent department, name) and by
 * parent department. One tree serves a whole batch of plans.
 */
export class UnitTree {
  readonly #nodes = new Map<string, UnitNode>();
  readonly #byTarget = new Map<TargetId, string>();
  readonly #bySlot = new Map<string, string>();
  readonly #children = new Map<TargetId, Set<string>>();
  #undone: UnitTree | undefined;

  constructor(nodes: Iterable<UnitNode>) {
    for (const node of nodes) {
      this.#nodes.set(node.id, node);
      this.#index(node);
    }
  }

  get(id: string): UnitNode | undefined {
    return this.#nodes.get(id);
  }

  nodes(): IterableIterator<UnitNode> {
    return this.#nodes.values();
  }

  /** The unit that is linked as the top unit. */
  top(): UnitNode | undefined {
    for (const node of this.#nodes.values()) if (node.link?.isTop) return node;
    return undefined;
  }

  /** The unit whose department this is. */
  at(targetId: TargetId): UnitNode | undefined {
    return this.get(this.#byTarget.get(targetId) ?? '');
  }

  /** The unit of ours whose department has this name under this parent now. */
  holderOf(parentId: TargetId, name: string): UnitNode | undefined {
    return this.get(this.#bySlot.get(slotKey(parentId, name)) ?? '');
  }

  /** Units of ours whose departments are directly below this one now. */
  childrenOf(targetId: TargetId): readonly string[] {
    return [...(this.#children.get(targetId) ?? [])];
  }

  /** The same with the facts of then for units that go back: the plan brings those about like any others. */
  undone(): UnitTree {
    if (this.#undone) return this.#undone;
    const nodes = [...this.#nodes.values()];
    this.#undone = nodes.some(({ undo }) => undo) ? new UnitTree(nodes.map((node) => this.#asOfThen(node))) : this;
    return this.#undone;
  }

  #asOfThen(node: UnitNode): UnitNode {
    const { undo } = node;
    if (!undo) return node;
    const { applied, units } = undo;
    const live = { isDepartment: false, deleted: false, rejectedCode: null };
    if (!applied) return { ...node, fact: { ...live, parentId: null, name: null, deleted: true } };
    const { name, parentId } = applied;
    const parent = parentId === null ? null : (units?.[parentId] ?? this.at(parentId)?.id);
    const isForeign = parent === undefined;
    return {
      ...node,
      fact: { ...live, name, parentId: parent ?? (isForeign ? `#${parentId}` : null) },
      back: { name, parentId: isForeign ? parentId : null },
    };
  }

  #index({ id, link }: UnitNode): void {
    if (!link) return;
    this.#byTarget.set(link.targetId, id);
    const { parentId, name } = link.applied;
    if (link.isTop || parentId === null) return;
    this.#bySlot.set(slotKey(parentId, name), id);
    const siblings = this.#children.get(parentId);
    if (siblings) siblings.add(id);
    else this.#children.set(parentId, new Set([id]));
  }
}

function slotKey(parentId: TargetId, name: string): string {
  return `${parentId} ${name.trim()}`;
}
