import { AppError, nextEpoch, parseLsn } from '@orgstream/core';
import { insertSecret, type Knex, type SealedSecret } from '@orgstream/database';
import type { Client } from 'pg';
import { readSlot } from './catalog.ts';
import { connectSource, translateSourceError } from './connect.ts';
import { resolveMapping } from './mapping.ts';
import { checkSourceName, slotNameOf } from './names.ts';
import type { Finding } from './preflight.ts';
import { preflight, recreateSlot, throwFirstError } from './setup.ts';
import { readSource, saveSlot, saveSource, type SourceRow } from './source-store.ts';

export interface AddSourceOptions {
  /** Lower-case name, the first part of every tenant key of this source. */
  readonly name: string;
  /** postgres:// URL of the primary, of a role that may replicate. */
  readonly url: string;
  /** Content of a mapping file; undefined = the reference schema. */
  readonly mapping?: unknown;
  /** Seals the URL (`packages/runtime`, secret box). */
  readonly seal: (plain: string) => SealedSecret;
  readonly now?: () => number;
}

export interface AddSourceResult {
  readonly name: string;
  readonly slot: string;
  readonly publication: string;
  /** False when slot and publication were there already: then only URL and mapping were changed. */
  readonly created: boolean;
  /** Warnings; errors are thrown. */
  readonly findings: readonly Finding[];
}

/**
 * Adds a source: preflight, publication and slot (once, while it has never streamed), and its row, which a running
 * ziik-cdc picks up within a second. Called again: new URL and mapping for the same slot. Throws the first error of the
 * preflight (WAL_LEVEL_TOO_LOW, REPLICA_IDENTITY_LACKS_TENANT, …), SLOT_IN_USE when the slot's name is taken.
 */
export async function addSource(db: Knex, options: AddSourceOptions): Promise<AddSourceResult> {
  checkSourceName(options.name);
  const mapping = resolveMapping(options.mapping);
  const slot = slotNameOf(options.name);
  const names = { slot, publication: slot };
  const known = await readSource(db, options.name);
  const client = await connectSource(options.url, { name: 'orgstream source add' });
  try {
    const create = !known?.streamed && !(await isSetUp(client, { ...names, mapping }, known));
    const findings = await preflight(client, { ...names, mapping }, create);
    throwFirstError(findings);
    if (create && !known) await refuseTakenSlot(client, slot);
    const secretId = await insertSecret(db, options.seal(options.url));
    await saveSource(db, { name: options.name, urlSecretId: secretId, mapping: options.mapping, ...names });
    if (create) await createSlot(db, client, { ...options, ...names, mapping }, known?.epoch ?? 0);
    return { name: options.name, ...names, created: create, findings };
  } catch (error) {
    throw translateSourceError(error, `adding source ${options.name}`);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes slot and publication anew, under the next epoch. The caller has to snapshot everything afterwards. */
export async function createSlot(
  db: Knex,
  client: Client,
  source: Parameters<typeof recreateSlot>[1] & { readonly name: string; readonly now?: () => number },
  storedEpoch: number,
): Promise<void> {
  const { consistentPoint } = await recreateSlot(client, source);
  await saveSlot(db, source.name, {
    epoch: nextEpoch(storedEpoch, (source.now ?? Date.now)()),
    publishedLsn: parseLsn(consistentPoint),
  });
}

/** A slot made by an earlier call keeps the changes since: it stays when it fits. */
async function isSetUp(
  client: Client,
  source: Parameters<typeof preflight>[1],
  known: SourceRow | undefined,
): Promise<boolean> {
  if (!known || known.epoch === 0) return false;
  const findings = await preflight(client, source, false);
  return !findings.some(({ code }) => code === 'SLOT_LOST' || code === 'PUBLICATION_MISSING');
}

async function refuseTakenSlot(client: Client, slot: string): Promise<void> {
  if (!(await readSlot(client, slot))) return;
  throw new AppError(
    'SLOT_IN_USE',
    `replication slot ${slot} exists already, made by another installation; drop it there, or use another source name`,
    { slot },
  );
}
