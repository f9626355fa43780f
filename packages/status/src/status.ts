import { isAppError, topics } from '@orgstream/core';
import {
  listSources,
  readIngestOffsets,
  readIntegrationStatus,
  readSecret,
  type IntegrationStatus,
  type Knex,
} from '@orgstream/database';
import type { Kafka } from '@orgstream/kafka';
import type { SecretBox } from '@orgstream/runtime';
import { readSourceLag, type SourceLag } from './source-lag.ts';

interface SourceStatus extends SourceLag {
  readonly name: string;
  readonly state: string;
  readonly code: string | null;
  readonly snapshotsOpen: number;
}

export interface Status {
  readonly integrations: readonly (IntegrationStatus & { readonly source: string; readonly converged: boolean })[];
  readonly sources: readonly SourceStatus[];
  /** Records not yet finished by each hop; null when Kafka or the hop's offsets cannot be read. */
  readonly lag: { readonly normalizerRecords: number | null; readonly ingestRecords: number | null };
}

/** What the question is put to. */
export interface StatusParts {
  readonly db: Knex;
  readonly kafka: Kafka;
  /** Opens the sources' URLs. */
  readonly secrets: SecretBox;
}

const NORMALIZER_GROUP = 'orgstream-normalizer';

/**
 * The whole pipeline, hop by hop, in the order the data flows: a change that one hop has handed on is seen by the next
 * question. So `converged` means: everything committed at the source before the question is at the target, but for what
 * is parked or held.
 */
export async function readStatus(parts: StatusParts, options: { readonly waitMs: number }): Promise<Status> {
  const { db, kafka } = parts;
  const sources = await Promise.all(
    (await listSources(db)).map((source) => sourceStatus(parts, source, options.waitMs)),
  );
  const lag = await readLag(kafka, db);
  const integrations = await readIntegrationStatus(db);
  const flowing = lag.normalizerRecords === 0 && lag.ingestRecords === 0;
  return {
    sources,
    lag,
    integrations: integrations.map((integration) => {
      const name = integration.tenant.split('.')[0]!;
      const source = sources.find((s) => s.name === name);
      // A slot may stand at the end of the WAL and have lost what lay before: a source that does not stream has read nothing.
      const streams = source?.state === 'running' && source.code === null;
      const read = streams && source.lagBytes === 0 && source.snapshotsOpen === 0;
      return { ...integration, source: name, converged: read && flowing && settled(integration) };
    }),
  };
}

function settled({ product, enabled, state, code, work }: IntegrationStatus): boolean {
  if (product === 'login') return true;
  return enabled && state === 'live' && code === null && work.outstanding === 0 && work.gap === 0;
}

type SourceRow = Awaited<ReturnType<typeof listSources>>[number];

async function sourceStatus({ db, secrets }: StatusParts, row: SourceRow, waitMs: number): Promise<SourceStatus> {
  const secret = await readSecret(db, row.url_secret_id);
  const lag = await readSourceLag(secret ? secrets.open(secret) : '', row.slot_name, waitMs);
  return { name: row.name, state: row.state, code: row.code, snapshotsOpen: row.snapshots_open, ...lag };
}

async function readLag(kafka: Kafka, db: Knex): Promise<Status['lag']> {
  try {
    await using admin = await kafka.createAdmin();
    const normalizer = await admin.groupLag(NORMALIZER_GROUP, topics.ziikChanges);
    const stored = await readIngestOffsets(db, topics.directoryChanges);
    const directory = await admin.offsets(topics.directoryChanges);
    return {
      normalizerRecords: normalizer.reduce((sum, p) => sum + p.lag, 0),
      ingestRecords: directory.reduce((sum, p) => sum + Math.max(0, p.high - (stored.get(p.partition) ?? p.low)), 0),
    };
  } catch (error) {
    if (isAppError(error)) return { normalizerRecords: null, ingestRecords: null };
    throw error;
  }
}
