import type { Knex } from '@orgstream/database';
import { countUsableKeys } from '@orgstream/identity';
import type { Environment } from '../environment.ts';
import type { Check } from './check.ts';
import { broken, findingOf, ok, warning, type Finding } from './finding.ts';

/** Login: edge answers, each issuer's keys can be read, and every integration has somebody who may sign for it. */
export const loginCheck: Check = {
  area: 'login',
  deadlineMs: 12_000,
  remedy: 'check Postgres, edge and the issuers',
  async run(environment) {
    const db = environment.db();
    const [edge, keys, unsigned] = await Promise.all([checkEdge(environment), checkIssuers(db), checkIntegrations(db)]);
    return [...edge, ...keys, ...unsigned];
  },
};

/** Any path will do: what is not there is told by edge itself, and not by what stands before it. */
async function checkEdge({ settings: { edgeUrl } }: Environment): Promise<readonly Finding[]> {
  if (edgeUrl === undefined) return [];
  const remedy = 'is edge running, and does EDGE_PUBLIC_URL lead to it?';
  try {
    const response = await fetch(new URL('/doctor', edgeUrl), {
      redirect: 'manual',
      signal: AbortSignal.timeout(4_000),
    });
    const { code } = ((await response.json().catch(() => null)) ?? {}) as { readonly code?: unknown };
    if (response.status === 404 && code === 'NOT_FOUND') return [ok(`edge answers at ${new URL(edgeUrl).origin}`)];
    return [broken(`what answers at EDGE_PUBLIC_URL is not edge: HTTP ${response.status}`, remedy)];
  } catch {
    return [broken('edge does not answer: nobody logs in, no hook is taken', remedy)];
  }
}

interface IssuerRow {
  readonly iss: string;
  readonly jwks_url: string | null;
}

async function checkIssuers(db: Knex): Promise<readonly Finding[]> {
  const { rows } = await db.raw<{ rows: IssuerRow[] }>(`select iss, jwks_url from control.issuer order by iss`);
  return (await Promise.all(rows.map(checkIssuer))).flat();
}

/** As edge reads them: the same limits, the same keys passed over. */
async function checkIssuer({ iss, jwks_url: url }: IssuerRow): Promise<readonly Finding[]> {
  if (url === null) return [ok(`${iss}: configured keys`)];
  const remedy = 'look at its address: `orgstream issuer list`';
  try {
    const keys = await countUsableKeys(url);
    if (keys > 0) return [ok(`${iss}: ${keys} ${keys === 1 ? 'key' : 'keys'}`)];
    return [broken(`${iss}: none of its keys can check a signature that is taken (EdDSA, RS256)`, remedy)];
  } catch (error) {
    const finding = findingOf(error, { doing: 'reading its keys', remedy });
    return [{ ...finding, message: `${iss}: ${finding.message}` }];
  }
}

/** Integrations whose people could log in if anybody could say who they are. */
async function checkIntegrations(db: Knex): Promise<readonly Finding[]> {
  const { rows } = await db.raw<{ rows: { tenant: string; product: string }[] }>(/* sql */ `
    select distinct i.tenant, i.product
      from control.integration i left join control.login_setting l on l.integration_id = i.id
     where i.enabled and coalesce(l.enabled, true)
       and not exists (select from control.issuer s
                        where s.tenant = i.tenant or (s.tenant is null and s.source = split_part(i.tenant, '.', 1)))
     order by i.tenant`);
  return rows.map(({ tenant }) =>
    warning(
      `${tenant}: nobody may sign for its people, so nobody can log in`,
      `orgstream issuer add --tenant ${tenant} --iss … --jwks-url …, or orgstream login set ${tenant} --enabled off`,
      'ISSUER_UNKNOWN',
    ),
  );
}
