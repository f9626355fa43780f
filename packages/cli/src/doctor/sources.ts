import { codes, manualOf } from '@orgstream/core';
import { readSecret } from '@orgstream/database';
import {
  connectSource,
  listSources,
  preflight,
  readSlot,
  resolveMapping,
  translateSourceError,
  type SlotFacts,
  type SourceRow,
} from '@orgstream/ziik-source';
import type { Environment } from '../environment.ts';
import type { Check } from './check.ts';
import { broken, findingOf, ok, remedyOf, warning, type Finding } from './finding.ts';
import { skewFinding } from './postgres.ts';

/** Each source: what ziik-cdc says, wal_level, grants, replica identities, publication, slot, retained WAL, its clock. */
export const sourcesCheck: Check = {
  area: 'sources',
  deadlineMs: 12_000,
  remedy: 'check Postgres and the sources',
  async run(environment) {
    const sources = (await listSources(environment.db())).filter(({ removed }) => !removed);
    if (sources.length === 0) return [warning('there is no source yet', 'orgstream source add', 'SOURCE_UNKNOWN')];
    return (await Promise.all(sources.map((source) => checkSource(environment, source)))).flat();
  },
};

async function checkSource(environment: Environment, source: SourceRow): Promise<readonly Finding[]> {
  const named = (finding: Finding): Finding => ({ ...finding, message: `${source.name}: ${finding.message}` });
  try {
    return [...stateFindings(source), ...(await lookAt(environment, source))].map(named);
  } catch (error) {
    return [
      ...stateFindings(source),
      findingOf(error, { doing: 'looking at the source', remedy: 'check the source database' }),
    ].map(named);
  }
}

/** What ziik-cdc has stored about it. */
function stateFindings({ state, code, message }: SourceRow): readonly Finding[] {
  if (code !== null && code in codes) {
    return [broken(message ?? manualOf(code).meaning, remedyOf(code), code)];
  }
  return state === 'running' ? [ok('streams')] : [warning(`is ${state}`, 'is ziik-cdc running?')];
}

async function lookAt(environment: Environment, source: SourceRow): Promise<readonly Finding[]> {
  const secret = await readSecret(environment.db(), source.urlSecretId);
  if (!secret) return [broken('its URL is not stored', 'orgstream source add', 'SOURCE_UNKNOWN')];
  const url = environment.secrets().open(secret);
  const client = await connectSource(url, { name: 'orgstream doctor', timeoutMs: 5_000 });
  try {
    const names = { slot: source.slot, publication: source.publication, mapping: resolveMapping(source.mapping) };
    const found = (await preflight(client, names, false)).map(({ level, code, message, action }) =>
      (level === 'error' ? broken : warning)(message, action.replace('<source>', source.name), code),
    );
    const sentMs = Date.now();
    const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    const skew = skewFinding('the source', new Date(rows[0]!.now).getTime(), sentMs, Date.now());
    return [...found, ...slotFindings(await readSlot(client, source.slot)), ...skew];
  } catch (error) {
    throw translateSourceError(error, 'looking at the source');
  } finally {
    void client.end().catch(() => {});
  }
}

/** Less than this left of what the source may keep is worth a look. */
const FEW_BYTES = 512 * 1_048_576;

function slotFindings(slot: SlotFacts | undefined): readonly Finding[] {
  // A missing slot has been told by the preflight.
  if (!slot) return [];
  const megabytes = (slot.retainedBytes / 1_048_576).toFixed(1);
  return [
    slot.active
      ? ok(`its slot is read and retains ${megabytes} MB of WAL`)
      : warning(`nobody reads its slot, which retains ${megabytes} MB of WAL`, 'is ziik-cdc running?', 'SLOT_IN_USE'),
    ...(slot.safeWalBytes !== null && slot.safeWalBytes < FEW_BYTES
      ? [
          warning(
            `${(slot.safeWalBytes / 1_048_576).toFixed(1)} MB more WAL and the slot is lost`,
            'start ziik-cdc, or raise max_slot_wal_keep_size',
            'SLOT_LOST',
          ),
        ]
      : []),
  ];
}
