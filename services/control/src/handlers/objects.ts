import { AppError } from '@orgstream/core';
import { notFound, requireIntegration, requireSync } from '../access.ts';
import { toReply } from '../command-wait.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import type { Handlers } from '../http/request.ts';
import { listAttemptPage, toAttempt } from '../stores/attempt-store.ts';
import { listObjectPage, toSummary } from '../stores/object-store.ts';
import { why } from '../why.ts';

type Mine = 'listObjects' | 'getObject' | 'actOnObjects' | 'listAttempts';

export function objectHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db } = deps;
  return {
    async listObjects({ params, query, caller }) {
      const { id, tenant } = await requireIntegration(db, caller, params.integration);
      const { state, code, kind, operation, text, limit } = query;
      const after = decodeCursor(query.cursor, ['text', 'text']);
      const rows = await listObjectPage(db, {
        integration: id,
        tenant,
        state,
        code,
        kind,
        operation,
        text,
        after,
        limit,
      });
      return { status: 200, body: toPage(rows, limit, { item: toSummary, key: (row) => [row.kind, row.id] }) };
    },
    async getObject({ params, query, caller }) {
      const head = await requireIntegration(db, caller, params.integration);
      const body = await why(deps, head, { kind: params.kind, id: params.id, explain: query.explain });
      if (!body) throw notFound(params.kind);
      return { status: 200, body };
    },
    async actOnObjects({ params, body, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { id, tenant } = head;
      requireSync(head);
      const { action, objects, operation, all, targetId } = body;
      note({
        tenant,
        integration: id,
        object: { action, operation, all, objects: objects?.map((o) => `${o.kind} ${o.id}`).slice(0, 50) },
      });
      checkAction(body);
      const payload = {
        integration: id,
        action,
        ...(objects ? { objects: objects.map(({ hash, ...key }) => ({ ...key, ...(hash ? { hash } : {}) })) } : {}),
        ...(operation ? { operation } : {}),
        ...(all ? { all } : {}),
        ...(targetId === undefined ? {} : { targetId }),
        by: caller.name,
      };
      return toReply(await deps.commands.ask({ addressee: 'learningbank-sink', kind: 'objects.act', payload }));
    },
    async listAttempts({ params, query, caller }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { kind, id, run, state, code, limit } = query;
      const before = decodeCursor(query.cursor, ['number']);
      const rows = await listAttemptPage(db, { integration: head.id, kind, id, run, state, code, before, limit });
      return { status: 200, body: toPage(rows, limit, { item: toAttempt, key: (row) => [row.id] }) };
    },
  };
}

/** Which objects: exactly one of the three ways to say it; bulk ways are for what is held. */
function checkAction(body: {
  readonly action: string;
  readonly objects?: readonly unknown[] | undefined;
  readonly operation?: string | undefined;
  readonly all?: true | undefined;
  readonly targetId?: number | undefined;
}): void {
  const { action, objects, operation, all, targetId } = body;
  const refuse = (field: string, what: string): never => {
    throw new AppError('REQUEST_INVALID', `body: ${field}: ${what}`, { field });
  };
  if ([objects, operation, all].filter((way) => way !== undefined).length !== 1) {
    refuse('objects', 'give one of objects, operation and all');
  }
  const onTarget = action === 'adopt' || action === 'move_link';
  if (objects === undefined && !['approve', 'reject', 'release', 'retry'].includes(action)) {
    refuse('objects', `${action} takes objects`);
  }
  if (action === 'adopt' && targetId === undefined) refuse('targetId', 'is missing');
  if (!onTarget && targetId !== undefined) refuse('targetId', 'only adopt and move_link take it');
  if (onTarget && objects?.length !== 1) refuse('objects', `${action} takes one object`);
}
