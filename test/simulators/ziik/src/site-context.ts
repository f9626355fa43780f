import { openScratch } from './scratch.ts';
import { hire } from './people.ts';
import { startZiikSimulator, type ZiikSimulator } from './server.ts';
import { createUnit } from './units.ts';

/** An answer as a test looks at it. */
export interface Got {
  readonly status: number;
  // Tests read what they want; a wrong guess fails them.
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
  readonly headers: Headers;
}

/** One call, with a JSON body where given. */
export async function request(url: string, method = 'GET', body?: unknown, token?: string): Promise<Got> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: json(text), headers: response.headers };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A Ziik with a database of its own: sites are made in it by hand. */
export class SiteContext implements AsyncDisposable {
  readonly simulator: ZiikSimulator;
  readonly #scratch: Awaited<ReturnType<typeof openScratch>>;

  private constructor(scratch: Awaited<ReturnType<typeof openScratch>>, simulator: ZiikSimulator) {
    this.#scratch = scratch;
    this.simulator = simulator;
  }

  static async open(): Promise<SiteContext> {
    const scratch = await openScratch();
    return new SiteContext(scratch, await startZiikSimulator({ databaseUrl: scratch.url }));
  }

  get pool() {
    return this.#scratch.pool;
  }

  get databaseUrl() {
    return this.#scratch.url;
  }

  sim(method: string, path: string, body?: unknown): Promise<Got> {
    return request(`${this.simulator.url}/_sim/${path}`, method, body);
  }

  /** A new site with one unit and its sender; no rate limit unless told. */
  async site(settings: object = {}): Promise<TestSite> {
    const { rows } = await this.pool.query<{ id: string }>(
      `insert into sites (identifier, name, default_language) values ('kaeden', 'Kæden', 'da') returning id`,
    );
    const siteId = rows[0]?.id ?? '';
    const unitId = await createUnit(this.pool, siteId, { parentId: null, name: 'Kæden' });
    await this.sim('POST', 'settings', { siteId, rateLimitPerMinute: 0, ...settings });
    const site = new TestSite(this, siteId, unitId);
    site.senderId = await site.person('Academy');
    await this.sim('POST', 'api-users', { siteId, userId: site.senderId, password: 'secret' });
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    await this.#scratch[Symbol.asyncDispose]();
  }
}

/** One site, and calls to its API as its sender. */
export class TestSite {
  readonly context: SiteContext;
  readonly id: string;
  readonly unitId: string;
  senderId = '';
  #token: string | undefined;

  constructor(context: SiteContext, id: string, unitId: string) {
    this.context = context;
    this.id = id;
    this.unitId = unitId;
  }

  /** `http://127.0.0.1:1234/s/1` */
  get url(): string {
    return `${this.context.simulator.url}/s/${this.id}`;
  }

  /** Hires somebody: `anna@example.dk` for Anna. */
  async person(firstName: string, more: object = {}): Promise<string> {
    const email = `${firstName.toLowerCase()}@example.dk`;
    const memberships = [{ unitId: this.unitId, roleIds: [] }];
    const person = { firstName, lastName: 'Berg', email, memberships, ...more };
    return (await hire(this.context.pool, this.id, person)).personId;
  }

  login(username = 'academy@example.dk', password = 'secret'): Promise<Got> {
    return request(`${this.url}/api/authenticate`, 'POST', { username, password });
  }

  /** A call of the API; as the sender unless a token is given. */
  async api(method: string, path: string, body?: unknown, token?: string): Promise<Got> {
    this.#token ??= (await this.login()).body.jwt as string;
    return request(`${this.url}/api${path}`, method, body, token ?? this.#token);
  }

  /** A direct conversation of the sender with somebody. */
  async conversation(userId: string): Promise<number> {
    return (await this.api('POST', '/conversations', { recipients: [Number(userId)] })).body.data.id as number;
  }

  sim(method: string, path: string, body: object): Promise<Got> {
    return this.context.sim(method, path, { siteId: this.id, ...body });
  }
}
