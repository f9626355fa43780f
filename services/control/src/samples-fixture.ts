import { routes, type OperationId, type Route } from '@orgstream/control-api';
import type { TenantFixture } from './fixture.ts';
import { senderOf } from './ziik-fixture.ts';

/** A request that is right in every way, about one tenant. */
export interface Sample {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** A function makes it when it is sent. */
  readonly body?: unknown;
  readonly ifMatch?: string;
}

/** What samples need besides a tenant. */
export interface Given {
  /** Id of a token of the tenant. */
  readonly token: string;
  /** Of the tenant. */
  readonly ziikUrl: string;
  /** Id of an issuer. */
  readonly issuer: string;
  /** Of an administrator; good for once, and not for long. */
  readonly assertion: () => Promise<string>;
}

/** One per route; tsc says which is missing. */
export function samplesOf(fixture: TenantFixture, given: Given): Readonly<Record<OperationId, Sample>> {
  const { tenant, integration, run, command, notification } = fixture;
  const params = { integration };
  return {
    getStatus: {},
    stream: {},
    listTenants: {},
    listSnapshots: { params: { tenant } },
    erasePerson: { body: { tenant, person: '9' } },
    listSources: {},
    snapshotSource: { params: { source: 'eu1' }, body: { tenant } },
    getStop: {},
    setStop: { body: { stopped: false } },
    listTokens: {},
    createToken: { body: { name: 'made', role: 'viewer', tenants: [tenant] } },
    revokeToken: { params: { token: given.token } },
    listAudit: {},
    getOpenApi: {},
    listIntegrations: {},
    createIntegration: {
      body: {
        tenant,
        platformUrl: 'http://127.0.0.1:9/other',
        credentials: { username: 'u', password: 'p' },
        protectOwners: false,
      },
    },
    getIntegration: { params },
    changeIntegration: { params, body: { paused: true }, ifMatch: '"1"' },
    removeIntegration: { params, ifMatch: '"2"' },
    verifyIntegration: { params },
    getSettings: { params },
    replaceSettings: { params, ifMatch: '"1-1"' },
    changeSettings: { params, body: { updateJobProfile: false }, ifMatch: '"1-2"' },
    listSettingsVersions: { params },
    rollbackSettings: { params, body: { version: 1 }, ifMatch: '"1-3"' },
    listRuns: { params },
    startRun: { params, body: { kind: 'sync' } },
    getRun: { params: { run } },
    listRunItems: { params: { run } },
    decideRun: { params: { run }, body: { decision: 'approve' } },
    listReplays: {},
    startReplay: { body: { what: 'facts', tenant } },
    getCommand: { params: { command: `${command}` } },
    listObjects: { params },
    getObject: { params: { integration, kind: 'person', id: '1' } },
    actOnObjects: { params, body: { action: 'approve', all: true } },
    listAttempts: { params },
    getChannel: { params },
    putChannel: { params, body: { ziikUrl: given.ziikUrl, sender: senderOf }, ifMatch: '"1"' },
    changeChannel: { params, body: { quiet: true }, ifMatch: '"2"' },
    verifyChannel: { params },
    rotateHookSecret: { params, body: {}, ifMatch: '"3"' },
    removeChannel: { params, ifMatch: '"4"' },
    testNotification: { params, body: { person: '1', type: 'module.assigned' } },
    listNotificationTypes: { params },
    getNotificationType: { params: { integration, type: 'module.assigned' } },
    changeNotificationType: {
      params: { integration, type: 'module.assigned' },
      body: { enabled: false, texts: { sv: 'Hej {{firstName}}', en: null } },
      ifMatch: '"1"',
    },
    previewNotificationType: { params: { integration, type: 'module.assigned' }, body: { language: 'da' } },
    listNotifications: { params },
    getNotification: { params: { integration, notification: `${notification}` } },
    retryNotification: { params: { integration, notification: `${notification + 1}` } },
    listConversations: { params },
    readConversation: { params: { integration, person: '1' } },
    getLogin: { params },
    changeLogin: { params, body: { webMenu: false }, ifMatch: '"0"' },
    listLoginEvents: { params },
    listIssuers: {},
    createIssuer: {
      body: { iss: 'https://made.example', source: 'eu1', tenant, jwksUrl: 'https://made.example/jwks.json' },
    },
    removeIssuer: { params: { issuer: given.issuer } },
    createSession: { body: async () => ({ assertion: await given.assertion() }) },
    endSession: {},
  };
}

const destroys: readonly string[] = ['removeChannel', 'removeIntegration'];
/** Every operation, what destroys last; the stream has tests of its own. */
export const operations = (Object.keys(routes) as OperationId[])
  .filter((id) => id !== 'stream')
  .sort((a, b) => destroys.indexOf(a) - destroys.indexOf(b));

export const routeOf = (id: OperationId): Route => routes[id];

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown> | undefined;
}

/** Sends a request by hand: what the typed client would never send, too. */
export async function send(
  url: string,
  id: OperationId,
  sample: Sample,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { method, path } = routeOf(id);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(sample.params?.[name] ?? ''));
  const query = new URLSearchParams(sample.query).toString();
  const body: unknown = typeof sample.body === 'function' ? await sample.body() : sample.body;
  const response = await fetch(`${url}${filled}${query === '' ? '' : `?${query}`}`, {
    method: method.toUpperCase(),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(sample.ifMatch === undefined ? {} : { 'if-match': sample.ifMatch }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}
