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

/** Whether the person `p` has left the source. */
export const goneSql = `(p.deleted or p.anonymised or p.active = false or p.expires_at <= now())`;

const columns = `w.id as person_id, ${goneSql} as gone, p.language,
  exists (select from sink.erased e where e.tenant = :tenant and e.person_id = w.id) as erased`;

const replica = `left join sink.person p on p.tenant = :tenant and p.id = w.id and p.log_offset >= 0`;

/** The person linked to a Learningbank user; undefined: nobody is. */
export async function readLinked(
  db: Knex,
  linked: { readonly tenant: string; readonly integration: string; readonly receiver: string },
): Promise<KnownPerson | undefined> {
  // Learningbank's ids are numbers; whatever else is written there belongs to nobody.
  if (!/^\d{1,15}$/u.test(linked.receiver)) return undefined;
  // By the platform: links are indexed by their targets there.
  const { rows } = await db.raw<{ rows: RawPerson[] }>(
    `select ${columns} from sink.integration_state s
       join sink.link w on w.platform = s.platform and w.kind = 'person' and w.target_id = :receiver and not w.is_top
       ${replica}
      where s.integration_id = :integration and w.integration_id = :integration`,
    linked,
  );
  return rows[0] && toPerson(rows[0]);
}

/** A person of the replica; who is not in it may still have a Ziik account. */
export async function readPerson(
  db: Knex,
  named: { readonly tenant: string; readonly person: string },
): Promise<KnownPerson> {
  const { rows } = await db.raw<{ rows: RawPerson[] }>(
    `select ${columns} from (select cast(:person as text) as id) as w ${replica}`,
    named,
  );
  return toPerson(rows[0]!);
}

/** Messages to a person that are other rows' of the ledger. */
export async function readMessagesOf(
  db: Knex,
  of: { readonly tenant: string; readonly person: string; readonly but: number },
): Promise<ReadonlySet<number>> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select unnest(n.message_ids) as id
       from control.integration i join bridge.notification n on n.integration_id = i.id and n.person_id = :person
      where i.tenant = :tenant and n.id <> :but`,
    of,
  );
  return new Set(rows.map(({ id }) => Number(id)));
}

function toPerson({ person_id: personId, gone, erased, language }: RawPerson): KnownPerson {
  return { personId, gone: gone ?? false, erased, language };
}
