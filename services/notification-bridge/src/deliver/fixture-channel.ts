import type { learningbank } from '@orgstream/core';
import { createUnit } from '@orgstream/simulator-ziik';
import type { BridgeContext } from './fixture.ts';

/** Somebody who can receive. */
export interface Person {
  /** Ziik user id. */
  readonly id: string;
  readonly email: string;
  /** Learningbank user id. */
  readonly receiver: string;
}

/** One site of the simulated Ziik, and what Learningbank tells its people. */
export class Channel {
  readonly #context: BridgeContext;
  readonly siteId: string;
  readonly senderId: number;
  readonly senderEmail = 'academy@example.dk';
  integration = '';
  #count = 0;

  private constructor(context: BridgeContext, siteId: string, senderId: number) {
    this.#context = context;
    this.siteId = siteId;
    this.senderId = senderId;
  }

  static async makeSite(context: BridgeContext, settings: object): Promise<Channel> {
    const { pool } = context.ziik;
    const { rows } = await pool.query<{ id: string }>(
      `insert into sites (identifier, name, default_language) values ('kaeden', 'Kæden', 'da') returning id`,
    );
    const siteId = rows[0]!.id;
    await createUnit(pool, siteId, { parentId: null, name: 'Kæden' });
    await context.sim('POST', 'settings', { siteId, rateLimitPerMinute: 0, ...settings });
    const { rows: users } = await pool.query<{ id: string }>(
      `insert into users (site_id, first_name, last_name, email) values ($1, 'Academy', 'Berg', 'academy@example.dk') returning id`,
      [siteId],
    );
    const senderId = users[0]!.id;
    await context.sim('POST', 'api-users', { siteId, userId: senderId, password: 'secret' });
    return new Channel(context, siteId, Number(senderId));
  }

  get tenant(): string {
    return `eu1.${this.siteId}`;
  }

  get url(): string {
    return `${this.#context.ziik.url}/s/${this.siteId}`;
  }

  /** People of the site: in the replica and linked unless told otherwise. */
  async people(
    count: number,
    {
      linked = true,
      replica = true,
      language = null,
    }: { linked?: boolean; replica?: boolean; language?: string | null } = {},
  ): Promise<readonly Person[]> {
    const from = this.#count;
    this.#count += count;
    const emails = Array.from({ length: count }, (_, n) => `p${from + n}@example.dk`);
    const { rows } = await this.#context.ziik.pool.query<{ id: string; email: string }>(
      `insert into users (site_id, first_name, last_name, email, language)
       select $1, 'P', 'Berg', e, $3 from unnest($2::text[]) as e returning id, email`,
      [this.siteId, emails, language],
    );
    const people = rows.map(({ id, email }) => ({ id, email, receiver: String(1_000_000 + Number(id)) }));
    const columns = { ids: people.map(({ id }) => id), receivers: people.map(({ receiver }) => receiver), emails };
    const { db } = this.#context;
    if (replica) {
      await db.raw(
        `insert into sink.person (tenant, id, epoch, lsn, seq, log_offset, committed_at, first_name, last_name, email, language, active, admin)
         select :tenant, id, 1, 1, 1, 1, now(), 'P', 'Berg', email, :language, true, false
           from unnest(:ids::text[], :emails::text[]) as p (id, email)`,
        { tenant: this.tenant, language, ...columns },
      );
    }
    if (linked) {
      await db.raw(
        `insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, applied)
         select :integration, 'person', id, 'p', receiver, true, '{}' from unnest(:ids::text[], :receivers::bigint[]) as l (id, receiver)`,
        { integration: this.integration, ...columns },
      );
    }
    return people;
  }

  /** A notification as Learningbank sends it; its text names it, so that the chat log shows which it was. */
  notification(id: string, to: Person, more: Partial<learningbank.Notification> = {}): learningbank.Notification {
    return {
      tenant: this.tenant,
      integrationId: this.integration,
      id,
      type: 'module.assigned',
      occurredAtMs: Date.now(),
      receivedAtMs: Date.now(),
      receiver: to.receiver,
      email: to.email,
      fields: { moduleName: id },
      link: `http://platform/courses/${id}`,
      via: 'hook',
      ...more,
    };
  }

  async notify(id: string, to: Person, more: Partial<learningbank.Notification> = {}): Promise<void> {
    await this.#context.enter(this.notification(id, to, more));
  }

  /** What the sender has said, by Ziik user id, in order. */
  async said(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { conversations } = (await this.#context.sim('GET', `chat?siteId=${this.siteId}`)) as {
      conversations: {
        type: string;
        participants: number[];
        messages: { id: number; authorId: number; message: string }[];
      }[];
    };
    const said = new Map<string, readonly string[]>();
    for (const { type, participants, messages } of conversations) {
      if (type !== 'direct' && messages.length > 0) throw new Error('written into a group');
      const [other] = participants.filter((id) => id !== this.senderId);
      const texts = messages.filter(({ authorId }) => authorId === this.senderId).map(({ message }) => message);
      if (texts.length > 0) said.set(String(other), [...(said.get(String(other)) ?? []), ...texts]);
    }
    return said;
  }

  /** Which notifications were said to somebody: ids out of the link at the end of each text. */
  async heard(person: Person): Promise<readonly string[]> {
    return ((await this.said()).get(person.id) ?? []).map((text) => /courses\/(\S+)$/u.exec(text)?.[1] ?? text);
  }

  fault(fault: object): Promise<unknown> {
    return this.#context.sim('POST', 'api-faults', { siteId: this.siteId, ...fault });
  }

  async clearFaults(): Promise<void> {
    await this.#context.sim('DELETE', 'api-faults');
  }

  settings(settings: object): Promise<unknown> {
    return this.#context.sim('POST', 'settings', { siteId: this.siteId, ...settings });
  }

  /** Changes columns of control.channel, and its version as an edit does. */
  async change(columns: Readonly<Record<string, string | number | boolean>>): Promise<void> {
    const set = Object.keys(columns).map((name) => `${name} = :${name}`);
    await this.#context.db.raw(
      `update control.channel set version = version + 1, ${set.join(', ')} where integration_id = :id
       returning pg_notify('orgstream_integration', '')`,
      { ...columns, id: this.integration },
    );
  }
}
