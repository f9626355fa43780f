import type { IntegrationStatus, Source, Status } from '@orgstream/control-api';
import { openSecret, readStop, type StopRow } from '@orgstream/database';
import { isAppError } from '@orgstream/core';
import { sourcesOf } from './access.ts';
import type { Deps } from './deps.ts';
import type { Caller } from './http/request.ts';
import { readChannelStatuses } from './stores/channel-store.ts';
import { readLoginStatuses } from './stores/login-store.ts';
import { readSinkStatus, type SinkStatus } from './stores/status-store.ts';
import { listSourcePage, type SourceRow } from './stores/source-store.ts';
import type { TopicLag } from './topic-lag.ts';

/** Sources that one answer covers. */
const MAX_SOURCES = 1_000;

/**
 * The whole pipeline, hop by hop, in the order the data flows: a change that one hop has handed on is seen by the next
 * question. So `converged` means: everything committed at the source before the question is at the target, but for what
 * is parked or held.
 */
export async function readStatus(deps: Deps, caller: Caller, waitMs: number): Promise<Status> {
  const { db } = deps;
  const rows = await listSourcePage(db, { names: sourcesOf(caller), limit: MAX_SOURCES });
  const sources = await Promise.all(rows.map(async (row) => toSource(row, await lagOf(deps, row, waitMs))));
  const lag = await deps.topicLag.read();
  const [stop, integrations, channels, logins] = await Promise.all([
    readStop(db),
    readSinkStatus(db, caller.tenants),
    readChannelStatuses(db, caller.tenants),
    readLoginStatuses(db, caller.tenants),
  ]);
  const channelOf = new Map(channels.map(({ status }) => [status.integration, status]));
  return {
    stop: toStop(stop),
    sources,
    lag,
    integrations: integrations.map((one) => ({
      ...one,
      converged: isConverged(one, sources, lag),
      channel: channelOf.get(one.id) ?? null,
      // An integration that was made between the two looks.
      login: logins.get(one.id) ?? { enabled: true, refusedLastHour: 0, refusedByCode: {} },
    })),
  };
}

function isConverged(one: SinkStatus, sources: readonly Source[], lag: TopicLag): IntegrationStatus['converged'] {
  const source = sources.find(({ name }) => name === one.source);
  // A slot may stand at the end of the WAL and have lost what lay before: a source that does not stream has read nothing.
  const streams = source?.state === 'running' && source.code === null;
  const read = streams && source.lagBytes === 0 && source.snapshotsOpen === 0;
  const flowing = lag.normalizerRecords === 0 && lag.ingestRecords === 0;
  if (!read || !flowing) return false;
  if (one.product === 'login') return true;
  return one.enabled && one.state === 'live' && one.code === null && one.work.outstanding === 0;
}

async function lagOf(deps: Deps, row: SourceRow, waitMs: number): Promise<number | null> {
  try {
    const url = await openSecret(deps.db, deps.secrets, row.url_secret_id);
    return await deps.sourceLag({ url, slot: row.slot_name }, waitMs);
  } catch (error) {
    if (isAppError(error, 'SECRET_UNREADABLE')) return null;
    throw error;
  }
}

export function toSource(row: SourceRow, lagBytes: number | null): Source {
  const { name, state, code, message } = row;
  return {
    name,
    state,
    code,
    message,
    snapshotsOpen: row.snapshots_open,
    retainedWalBytes: row.slot_retained_bytes === null ? null : Number(row.slot_retained_bytes),
    lagBytes,
    committedAt: row.committed_at?.toISOString() ?? null,
  };
}

export function toStop({ stopped, reason, changed_by, changed_at }: StopRow): Status['stop'] {
  return { stopped, reason, changedBy: changed_by, changedAt: changed_at.toISOString() };
}
