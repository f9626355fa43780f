import { codes, manualOf, type ErrorCode } from '@orgstream/core';
import { readIntegrationStatus, type IntegrationStatus, type Knex } from '@orgstream/database';
import type { Check } from './check.ts';
import { broken, ok, remedyOf, warning, type Finding } from './finding.ts';

interface PlatformRow {
  readonly integration_id: string;
  readonly breaker: 'closed' | 'open' | 'half_open';
  readonly code: string | null;
  readonly proved_at: Date | null;
  readonly drift_proved_at: Date | null;
  readonly waiting_run: string | null;
  readonly message: string | null;
}

/** Each integration: halted, its platform's breaker, parked, held, gap, runs that wait, the last proof. */
export const integrationsCheck: Check = {
  area: 'integrations',
  deadlineMs: 8_000,
  remedy: 'check Postgres and DATABASE_URL',
  async run(environment) {
    const db = environment.db();
    const all = await readIntegrationStatus(db);
    if (all.length === 0) return [ok('there is none yet; `orgstream integration create` makes one')];
    const more = await readMore(db);
    return all.flatMap((one) => checkIntegration(one, more.get(one.id)));
  },
};

async function readMore(db: Knex): Promise<ReadonlyMap<string, PlatformRow>> {
  const { rows } = await db.raw<{ rows: PlatformRow[] }>(/* sql */ `
    select s.integration_id, p.breaker, p.code, s.message, s.drift_proved_at,
           (select max(n.ended_at) from sink.snapshot n where n.tenant = s.tenant and n.state = 'proved') as proved_at,
           (select r.id::text from sink.run r where r.integration_id = s.integration_id and r.state = 'planned'
               and r.needs_approval and r.decided_by is null order by r.created_at desc limit 1) as waiting_run
      from sink.integration_state s left join sink.platform p on p.id = s.platform`);
  return new Map(rows.map((row) => [row.integration_id, row]));
}

const isCode = (code: string): code is ErrorCode => code in codes;
const adviceOf = (code: string): string => (isCode(code) ? remedyOf(code) : 'see docs/errors.md');

/** Pure: everything there is to say about one integration. */
export function checkIntegration(one: IntegrationStatus, more: PlatformRow | undefined): readonly Finding[] {
  const findings = [...standing(one, more), ...waiting(one, more)];
  const name = `${one.tenant} (${one.name})`;
  if (findings.length === 0) return [ok(`${name}: ${one.people.inStep} people in step, ${proofOf(more)}`)];
  return findings.map((finding) => ({ ...finding, message: `${name}: ${finding.message}` }));
}

const proofOf = (more: PlatformRow | undefined): string =>
  more?.proved_at ? `last proved snapshot ${more.proved_at.toISOString()}` : 'no proved snapshot yet';

/** What keeps all of it from being sent. */
function standing(one: IntegrationStatus, more: PlatformRow | undefined): readonly Finding[] {
  const findings: Finding[] = [];
  if (one.code !== null) {
    const code = isCode(one.code) ? one.code : null;
    const said = more?.message ?? (code === null ? one.code : manualOf(code).meaning);
    findings.push((one.state === 'halted' ? broken : warning)(said, adviceOf(one.code), code));
  }
  if (more && more.breaker !== 'closed') {
    const code = more.code !== null && isCode(more.code) ? more.code : 'PLATFORM_PAUSED';
    findings.push(broken('the platform is not called: its breaker is open', remedyOf(code), code));
  }
  if (!one.enabled) findings.push(warning('is disabled', `orgstream integration enable ${one.id}`, 'NOT_SENDING'));
  if (one.paused) findings.push(warning('is paused', `orgstream resume --integration ${one.id}`, 'NOT_SENDING'));
  if (one.shadow) findings.push(warning('is in shadow mode', `orgstream integration shadow off ${one.id}`, 'SHADOW'));
  return findings;
}

/** What waits for somebody. */
function waiting(one: IntegrationStatus, more: PlatformRow | undefined): readonly Finding[] {
  const byCode = (codesOf: Readonly<Record<string, number>>, state: string): readonly Finding[] =>
    Object.entries(codesOf).map(([code, n]) => {
      const list = `orgstream objects --integration ${one.id} --code ${code}`;
      const said = isCode(code) ? `${n} ${state}` : `${n} ${state}: ${code}`;
      return warning(said, `${adviceOf(code)}; who: \`${list}\``, isCode(code) ? code : null);
    });
  return [
    ...byCode(one.parkedByCode, 'parked'),
    ...byCode(one.heldByCode, 'held'),
    ...(one.work.gap > 0
      ? [
          warning(
            `${one.work.gap} objects wait for "Initiate synchronisation"`,
            `orgstream sync --integration ${one.id}`,
          ),
        ]
      : []),
    ...(more?.waiting_run
      ? [warning(`run ${more.waiting_run} waits for approval`, `orgstream run show ${more.waiting_run}`)]
      : []),
  ];
}
