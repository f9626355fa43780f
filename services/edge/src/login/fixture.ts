import { randomUUID } from 'node:crypto';
import { defaultSettings, tenantKey } from '@orgstream/core';
import { createDatabase, createIntegration, finishCommand, migrate, takeCommand, type Knex } from '@orgstream/database';
import { createLogger, createSecretBox, sleep } from '@orgstream/runtime';
import { startSimulator, type Simulator } from '@orgstream/simulator-learningbank';
import { startZiikSimulator, type ZiikSimulator } from '@orgstream/simulator-ziik';
import { freshDatabase } from '@orgstream/testkit';
import { Registry } from 'prom-client';
import { Config } from '../config.ts';
import { createService, type EdgeService } from '../service.ts';

const secretKey = `t:${'0'.repeat(64)}`;
const secrets = createSecretBox(secretKey);

type SimPlatform = ReturnType<Simulator['world']['platform']>;

/** What the sink would have in its tables about a person. */
export interface PersonRow {
  readonly email?: string | null;
  readonly language?: string | null;
  readonly active?: boolean;
  readonly deleted?: boolean;
  readonly anonymised?: boolean;
  /** SQL. */
  readonly expires?: string;
  /** Learningbank user. */
  readonly link?: number;
  readonly work?: { readonly state: string; readonly code?: string };
}

/** An integration of the tenant with a platform of the simulator. */
export interface Scene {
  readonly id: string;
  readonly platform: SimPlatform;
  readonly site: string;
}

/** Ziik and Learningbank simulated, our database, and any number of edges on it. */
export class EdgeContext implements AsyncDisposable {
  readonly db: Knex;
  readonly ziik: ZiikSimulator;
  readonly learningbank: Simulator;
  readonly siteId: string;
  readonly tenant: string;
  /** Lines of the logs of all edges, from trace on. */
  readonly logs: string[] = [];
  readonly #databaseUrl: string;
  readonly #resources: AsyncDisposableStack;
  #lastPerson = 1_000;

  private constructor(
    parts: Pick<EdgeContext, 'db' | 'ziik' | 'learningbank' | 'siteId'> & {
      url: string;
      resources: AsyncDisposableStack;
    },
  ) {
    this.db = parts.db;
    this.ziik = parts.ziik;
    this.learningbank = parts.learningbank;
    this.siteId = parts.siteId;
    this.tenant = tenantKey('eu1', parts.siteId);
    this.#databaseUrl = parts.url;
    this.#resources = parts.resources;
  }

  static async open(): Promise<EdgeContext> {
    await using resources = new AsyncDisposableStack();
    const { url } = resources.use(await freshDatabase('edge'));
    const db = createDatabase(url, { max: 8 });
    resources.defer(() => db.destroy());
    await migrate(db);
    const ziikDatabase = resources.use(await freshDatabase('ziik'));
    const ziik = resources.use(await startZiikSimulator({ databaseUrl: ziikDatabase.url }));
    const learningbank = resources.use(await startSimulator());
    const { siteId } = await post<{ siteId: string }>(`${ziik.url}/_sim/sites`, { units: 1, people: 1 });
    return new EdgeContext({ db, ziik, learningbank, siteId, url, resources: resources.move() });
  }

  get iss(): string {
    return `${this.ziik.url}/s/${this.siteId}`;
  }

  /** The site's keys behind their address, for all tenants of the source. */
  async trust(
    over: { readonly tenant?: string; readonly source?: string; readonly product?: string } = {},
  ): Promise<void> {
    await this.db.raw(
      `insert into control.issuer (iss, source, tenant, product, jwks_url) values (?, ?, ?, ?, ?)
       on conflict (iss) do update set source = excluded.source, tenant = excluded.tenant, product = excluded.product`,
      [
        this.iss,
        over.source ?? 'eu1',
        over.tenant ?? null,
        over.product ?? 'ziik',
        `${this.iss}/.well-known/jwks.json`,
      ],
    );
  }

  /** One more platform, and an integration with it. `url`: a platform of another kind than the simulator's. */
  async integrate(
    options: {
      readonly product?: 'sync' | 'login';
      readonly tenant?: string;
      readonly url?: string;
      readonly password?: string;
    } = {},
  ): Promise<Scene> {
    const made = await post<{ id: number }>(`${this.learningbank.url}/_sim/platforms`, { rateLimitPerMinute: 0 });
    const platform = this.learningbank.world.platform(made.id);
    const site = `${this.learningbank.url}/p/${platform.id}`;
    const credentials = {
      ...platform.credentials,
      ...(options.password === undefined ? {} : { password: options.password }),
    };
    const id = await createIntegration(this.db, {
      tenant: options.tenant ?? this.tenant,
      name: 'Academy',
      product: options.product ?? 'sync',
      platformUrl: options.url ?? `${site}/api/v1`,
      credentials: secrets.seal(JSON.stringify(credentials)),
      settings: defaultSettings,
    });
    return { id, platform, site };
  }

  /** A person of the source as the sink knows them; the id. */
  async person(scene: Scene, row: PersonRow = {}, id = String((this.#lastPerson += 1))): Promise<string> {
    await this.db.raw(
      `insert into sink.person (tenant, id, epoch, lsn, seq, log_offset, committed_at, email, language, active, deleted, anonymised, expires_at)
       values (?, ?, 1, 1, 1, 1, now(), ?, ?, ?, ?, ?, ${row.expires ?? 'null'})`,
      [
        this.tenant,
        id,
        row.email === undefined ? `p${id}@example.org` : row.email,
        row.language ?? null,
        row.active ?? true,
        row.deleted ?? false,
        row.anonymised ?? false,
      ],
    );
    if (row.link !== undefined) await this.link(scene, id, row.link);
    if (row.work) await this.work(scene, id, row.work);
    return id;
  }

  /** A person with a Learningbank user to whom they are linked. */
  async linked(scene: Scene, row: PersonRow = {}): Promise<string> {
    const user = scene.platform.users.create({
      email: `u${randomUUID()}@example.org`,
      firstName: 'Ada',
      lastName: 'L',
    });
    return this.person(scene, { ...row, link: user.id });
  }

  async link({ id: integration, site }: Scene, person: string, userId: number): Promise<void> {
    await this.db.raw(`insert into sink.platform (id, base_url) values (?, ?) on conflict do nothing`, [site, site]);
    await this.db.raw(
      `insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, applied) values (?, 'person', ?, ?, ?, true, '{}')`,
      [integration, person, site, userId],
    );
  }

  async work({ id }: Scene, person: string, { state, code }: NonNullable<PersonRow['work']>): Promise<void> {
    await this.db.raw(
      `insert into sink.work (integration_id, kind, id, lane, state, code, cause_epoch, cause_lsn, committed_at)
       values (?, 'person', ?, 2, ?, ?, 1, 1, now())`,
      [id, person, state, code ?? null],
    );
  }

  /** One replica of the edge, with short times unless told otherwise. */
  async edge(settings: Readonly<Record<string, string>> = {}): Promise<EdgeService> {
    const config = Config.parse({
      KAFKA_BROKERS: '127.0.0.1:1',
      REGISTRY_URL: 'http://127.0.0.1:1',
      DATABASE_URL: this.#databaseUrl,
      ORGSTREAM_SECRET_KEY: secretKey,
      EDGE_PORT: '0',
      EDGE_PUBLIC_URL: 'https://edge.example/',
      EDGE_CALL_TIMEOUT_MS: '2000',
      EDGE_PLATFORM_CALLS_PER_MINUTE: '100000',
      ...settings,
    });
    const log = createLogger(
      { service: 'edge', level: 'trace' },
      { write: (line: string) => void this.logs.push(line) },
    );
    const stop = new AbortController();
    this.#resources.defer(() => stop.abort());
    return this.#resources.use(await createService({ config, log, signal: stop.signal, registry: new Registry() }));
  }

  /** The sink, as far as it is needed: carries out `person.sync`, one after another, until the context is gone. */
  sink(carryOut: (person: string) => Promise<void>): void {
    const stop = new AbortController();
    const done = (async () => {
      while (!stop.signal.aborted) {
        const command = await takeCommand(this.db, 'learningbank-sink', { kinds: ['person.sync'] });
        if (!command) {
          await sleep(10, stop.signal);
          continue;
        }
        await carryOut((command.payload as { person: string }).person);
        await finishCommand(this.db, command.id, { result: { marked: true } });
      }
    })();
    this.#resources.defer(async () => {
      stop.abort();
      await done;
    });
  }

  /** Signed by the site; any claim may be overridden. */
  async assertion(scene: Scene, person: string, over: object = {}): Promise<string> {
    const asked = { siteId: this.siteId, userId: person, aud: scene.id, ...over };
    return (await post<{ assertion: string }>(`${this.ziik.url}/_sim/assertions`, asked)).assertion;
  }

  rotate(input: object = {}): Promise<unknown> {
    return post(`${this.ziik.url}/_sim/keys`, { siteId: this.siteId, rotate: true, ...input });
  }

  async fault({ platform }: Scene, fault: object): Promise<void> {
    this.learningbank.world.faults.add({ platform: platform.id, ...fault });
  }

  async events(scene: Scene): Promise<readonly Record<string, unknown>[]> {
    const { rows } = await this.db.raw<{ rows: Record<string, unknown>[] }>(
      `select * from edge.login_event where integration_id = ? order by id`,
      [scene.id],
    );
    return rows;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

async function post<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** What somebody at the door gets. */
export interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly headers: Headers;
  readonly body: string;
  /** Of the page or the JSON. */
  readonly code: string | undefined;
}

export async function get(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', headers, method });
  const body = await response.text();
  const code = /<code>([A-Z_]+)<\/code>/.exec(body)?.[1] ?? /"code":"([A-Z_]+)"/.exec(body)?.[1];
  return { status: response.status, location: response.headers.get('location'), headers: response.headers, body, code };
}

/** As Ziik sends a browser. */
export function logIn(
  edge: EdgeService,
  scene: Scene,
  assertion: string,
  options: { readonly to?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const query = new URLSearchParams({ assertion, ...(options.to === undefined ? {} : { to: options.to }) });
  return get(`${edge.url}/login/${scene.id}?${query.toString()}`, options.headers);
}

/** `302`, or status and code. */
export const short = ({ status, code }: Answer): string => (code === undefined ? String(status) : `${status} ${code}`);
