import type { Knex } from '@orgstream/database';

/** Where the text of a type comes from. */
export interface TypeTexts {
  readonly enabled: boolean;
  /** Ours, by language. */
  readonly texts: Readonly<Record<string, string>>;
  /** Learningbank's own. */
  readonly body: string | null;
  readonly name: string;
  /** Learningbank's types have not been read yet, and it is worth a wait: what it says itself is not known. */
  readonly unread?: true;
}

/** Type of a test message that is none of Learningbank's types. */
export const testType = 'orgstream.test';

const testTexts: TypeTexts = {
  enabled: true,
  texts: {
    da: 'Dette er en testbesked fra Learningbank. Beskeder derfra kommer her fremover: {{link}}',
    en: 'This is a test message from Learningbank. Its notifications will arrive here: {{link}}',
    sv: 'Det här är ett testmeddelande från Learningbank. Aviseringar därifrån kommer hit: {{link}}',
    de: 'Dies ist eine Testnachricht von Learningbank. Benachrichtigungen von dort kommen künftig hier an: {{link}}',
    '': 'This is a test message from Learningbank. Its notifications will arrive here: {{link}}',
  },
  body: null,
  name: testType,
};

/**
 * Our switch and texts of a type, and Learningbank's; a type that neither knows is on, under its key. Types that cannot be
 * read are waited for as long as the `notification` is young: a bare line is better than none at all.
 */
export async function readTypeTexts(
  db: Knex,
  { integration, type, notification = null }: { integration: string; type: string; notification?: number | null },
): Promise<TypeTexts> {
  if (type === testType) return testTexts;
  const { rows } = await db.raw<{
    rows: {
      enabled: boolean | null;
      texts: TypeTexts['texts'] | null;
      theirs: { name?: unknown; body?: unknown } | null;
      unread: boolean;
    }[];
  }>(
    `select s.enabled, s.texts,
            (select t from edge.intake i cross join jsonb_array_elements(coalesce(i.types, '[]')) as t
              where i.integration_id = :integration and t ->> 'key' = :type limit 1) as theirs,
            exists (select from edge.intake i where i.integration_id = :integration and i.types is null)
              and exists (select from bridge.notification n
                           where n.id = :notification and n.received_at > now() - interval '10 minutes') as unread
       from (select 1) as one
       left join control.notification_setting s on s.integration_id = :integration and s.type = :type`,
    { integration, type, notification },
  );
  const { enabled, texts, theirs, unread } = rows[0]!;
  return {
    enabled: enabled ?? true,
    texts: texts ?? {},
    body: typeof theirs?.body === 'string' ? theirs.body : null,
    name: typeof theirs?.name === 'string' && theirs.name.trim() !== '' ? theirs.name : type,
    ...(unread ? { unread } : {}),
  };
}
