import type { Knex } from '@orgstream/database';

/** A person as the replica has them. */
export interface KnownPerson {
  readonly personId: string;
  /** Deleted, anonymised, deactivated or past expiry in the source. */
  readonly gone: boolean;
  readonly erased: boolean;
  readonly language: string | null;
}

interface RawPerson {
  readonly person_id: string;
  readonly gone: boolean | null;
  readonly erased: boolean;
  readonly language: string | null;
}

const columns = `p.deleted or p.anonymised or p.active = false or p.expires_at <= now() as gone, p.language,
  exists (select from sink.erased e where e.tenant = :tenant and e.person_id = :person) as erased`;

/** By the platform: links are indexed by their targets there. */
const linked = `select l.id from sink.integration_state s
  join sink.link l on l.platform = s.platform and l.kind = 'person' and l.target_id = :receiver and not l.is_top
 where s.integration_id = :integration and l.integration_id = :integration`;

/** The person linked to a Learningbank user; undefined: nobody is. */
export async function readLinked(
  db: Knex,
  {
    tenant,
    integration,
    receiver,
  }: { readonly tenant: string; readonly integration: string; readonly receiver: string },
): Promise<KnownPerson | undefined> {
  // Learningbank's ids are numbers; whatever else is written there belongs to nobody.
  if (!/^\d{1,15}$/u.test(receiver)) return undefined;
  const { rows } = await db.raw<{ rows: { id: string }[] }>(linked, { integration, receiver });
  return rows[0] && readPerson(db, { tenant, person: rows[0].id });
}

/** A person of the replica; who is not in it may still have a Ziik account. */
export async function readPerson(
  db: Knex,
  { tenant, person }: { readonly tenant: string; readonly person: string },
): Promise<KnownPerson> {
  const { rows } = await db.raw<{ rows: RawPerson[] }>(
    `select ${columns} from (select 1) as one left join sink.person p on p.tenant = :tenant and p.id = :person and p.log_offset >= 0`,
    { tenant, person },
  );
  const row = rows[0]!;
  return { personId: person, gone: row.gone ?? false, erased: row.erased, language: row.language };
}
