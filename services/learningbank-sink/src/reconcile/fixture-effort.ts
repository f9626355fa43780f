import type { Knex } from '@orgstream/database';

interface PlanNode {
  readonly 'Actual Loops'?: number;
  readonly 'Actual Rows'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows that a node gave or threw away, and those below it. */
function handledBy(node: PlanNode): number {
  const each =
    (node['Actual Rows'] ?? 0) +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Loops'] ?? 0) * each + (node.Plans ?? []).reduce((sum, plan) => sum + handledBy(plan), 0);
}

interface Connection {
  on(event: 'notice', hear: (notice: { readonly message?: string }) => void): void;
  off(event: 'notice', hear: (notice: { readonly message?: string }) => void): void;
}

const settings = {
  log_min_duration: '0',
  log_analyze: 'on',
  log_timing: 'off',
  log_format: 'json',
  log_level: 'notice',
};

/**
 * Rows that the statements of a transaction handled, whatever they were of: tables, arrays, or what the statement itself
 * had found before. What auto_explain says of each node of each plan, so that a join is seen which compares all with all.
 */
export async function effortOf(db: Knex, work: (tx: Knex) => Promise<unknown>): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.raw(`load 'auto_explain'`);
    for (const [name, value] of Object.entries(settings)) await tx.raw(`set local auto_explain.${name} = ${value}`);
    const connection = (await tx.client.acquireConnection()) as Connection;
    let rows = 0;
    const hear = ({ message = '' }: { readonly message?: string }): void => {
      const [, plan] = /^duration: .*? plan:\s*(\{[^]*)$/.exec(message) ?? [];
      if (plan !== undefined) rows += handledBy((JSON.parse(plan) as { readonly Plan: PlanNode }).Plan);
    };
    connection.on('notice', hear);
    try {
      await work(tx);
      // What a statement has done is told when the next one takes its place.
      await tx.raw('select 1');
    } finally {
      connection.off('notice', hear);
    }
    return rows;
  });
}
