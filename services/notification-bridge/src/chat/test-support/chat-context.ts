import type { CallResult } from '@orgstream/clients';
import { isAppError, type AppError } from '@orgstream/core';
import { createUnit, hire, startZiikSimulator, type ZiikSimulator } from '@orgstream/simulator-ziik';
import { freshDatabase } from '@orgstream/testkit';
import type { ChatChannel, ChatOptions, ChatSession, SendTo } from '../port.ts';
import { createZiikChat } from '../ziik-chat.ts';

/** One message as the simulator keeps it. */
interface Said {
  readonly id: number;
  readonly authorId: number;
  readonly message: string;
}

/** One conversation of the simulator's log. */
interface Logged {
  readonly id: number;
  readonly type: 'direct' | 'group';
  readonly participants: readonly number[];
  readonly messages: readonly Said[];
}

/** A simulated Ziik; sites are made in it by hand. */
export class ChatContext implements AsyncDisposable {
  readonly simulator: ZiikSimulator;
  readonly #database: AsyncDisposable;

  private constructor(database: AsyncDisposable, simulator: ZiikSimulator) {
    this.#database = database;
    this.simulator = simulator;
  }

  static async open(): Promise<ChatContext> {
    const database = await freshDatabase('chat');
    return new ChatContext(database, await startZiikSimulator({ databaseUrl: database.url }));
  }

  async sim(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.simulator.url}/_sim/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  /** A new site with its sender; no rate limit unless told. */
  async site(settings: object = {}): Promise<ChatSite> {
    const { pool } = this.simulator;
    const { rows } = await pool.query<{ id: string }>(
      `insert into sites (identifier, name, default_language) values ('kaeden', 'Kæden', 'da') returning id`,
    );
    const siteId = rows[0]?.id ?? '';
    const unitId = await createUnit(pool, siteId, { parentId: null, name: 'Kæden' });
    await this.sim('POST', 'settings', { siteId, rateLimitPerMinute: 0, ...settings });
    const site = new ChatSite(this, siteId, unitId);
    site.senderId = await site.person('Academy');
    await this.sim('POST', 'api-users', { siteId, userId: `${site.senderId}`, password: 'secret' });
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    await this.#database[Symbol.asyncDispose]();
  }
}

/** One site, and chat as its sender. */
export class ChatSite {
  readonly context: ChatContext;
  readonly id: string;
  readonly unitId: string;
  readonly calls: CallResult[] = [];
  senderId = 0;

  constructor(context: ChatContext, id: string, unitId: string) {
    this.context = context;
    this.id = id;
    this.unitId = unitId;
  }

  channel(more: Partial<ChatChannel> = {}): ChatChannel {
    const ziikUrl = `${this.context.simulator.url}/s/${this.id}`;
    const { senderId } = this;
    return { ziikUrl, username: 'academy@example.dk', password: 'secret', senderId, conversations: 'auto', ...more };
  }

  async open(channel: Partial<ChatChannel> = {}, options: Partial<ChatOptions> = {}): Promise<ChatSession> {
    const chat = createZiikChat({ timeoutMs: 30_000, onCall: (call) => this.calls.push(call), ...options });
    const session = await chat.open(this.channel(channel));
    this.calls.length = 0;
    return session;
  }

  /** Routes called since the last look. */
  routes(): string[] {
    return this.calls.splice(0).map(({ route }) => route);
  }

  /** Hires somebody: `anna@example.dk` for Anna. */
  async person(firstName: string, more: object = {}): Promise<number> {
    const email = `${firstName.toLowerCase()}@example.dk`;
    const memberships = [{ unitId: this.unitId, roleIds: [] }];
    const { personId } = await hire(this.context.simulator.pool, this.id, {
      firstName,
      lastName: 'Berg',
      email,
      memberships,
      ...more,
    });
    return Number(personId);
  }

  async log(): Promise<readonly Logged[]> {
    const { conversations } = (await this.context.sim('GET', `chat?siteId=${this.id}`)) as { conversations: Logged[] };
    return conversations;
  }

  /** Texts of one conversation, oldest first. */
  async texts(conversationId: number): Promise<string[]> {
    const found = (await this.log()).find(({ id }) => id === conversationId);
    return (found?.messages ?? []).map(({ message }) => message);
  }

  sim(path: string, body: object): Promise<unknown> {
    return this.context.sim('POST', path, { siteId: this.id, ...body });
  }
}

/** The AppError that `work` must reject with. */
export async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (isAppError(error)) return error;
  throw new Error('it did not fail as it should', { cause: error });
}

/** Where to send, as the worker decides it. */
export async function placeOf(session: ChatSession, userId: number): Promise<SendTo> {
  const { conversationId } = await session.conversationWith(userId);
  return { userId, conversationId };
}
