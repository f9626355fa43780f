import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { routes, type Output, type Problem, type Route } from '@orgstream/control-api';

type OperationId = keyof typeof routes;

/** A request as it came over the wire, already checked against the contract. */
interface WireCall {
  readonly operation: OperationId;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
  readonly token: string | undefined;
}

interface Reply {
  readonly status?: number;
  readonly body?: unknown;
}
type Handlers = { readonly [Id in OperationId]?: (call: WireCall) => Output<Id> | Refusal };

/** An answer that is no success. */
export class Refusal {
  readonly problem: Problem;
  constructor(status: number, code: string, detail: string, remedy = 'Look at it.') {
    this.problem = { type: `docs/errors.md#${code}`, title: code, status, detail, code, remedy, requestId: 'r1' };
  }
}

export interface FakeControl extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly WireCall[];
}

/**
 * A server made of the contract: it finds the route, checks params, query, body and If-Match as the contract has them,
 * and refuses to send an answer that the contract does not have. What is wrong comes back as HTTP 599, so a test fails.
 */
export async function startFakeControl(handlers: Handlers): Promise<FakeControl> {
  const calls: WireCall[] = [];
  const server = createServer((request, response) => {
    answer(request, handlers, calls).then(
      ({ status = 200, body }) =>
        response
          .writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' })
          .end(body === undefined ? undefined : JSON.stringify(body)),
      (error: unknown) => response.writeHead(599).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(request: IncomingMessage, handlers: Handlers, calls: WireCall[]): Promise<Reply> {
  const url = new URL(request.url!, 'http://fake');
  const found = findRoute(request.method!.toLowerCase(), url.pathname);
  if (!found) throw new Error(`no route ${request.method} ${url.pathname}`);
  const { operation, route, params } = found;
  const sent = await text(request);
  const header = (name: string): string | undefined => request.headers[name]?.toString();
  const call: WireCall = {
    operation,
    params: (route.params?.parse(params) ?? {}) as Record<string, unknown>,
    query: (route.query?.parse(Object.fromEntries(url.searchParams)) ?? {}) as Record<string, unknown>,
    body: route.body?.parse(JSON.parse(sent)),
    ifMatch: header('if-match')?.replaceAll('"', ''),
    token: header('authorization')?.replace('Bearer ', ''),
  };
  if (route.ifMatch === true && call.ifMatch === undefined) throw new Error(`${operation} takes If-Match`);
  calls.push(call);
  const handler = handlers[operation] as ((call: WireCall) => unknown) | undefined;
  if (!handler) throw new Error(`nobody expected ${operation}`);
  return reply(route, handler(call));
}

function reply(route: Route, result: unknown): Reply {
  if (result instanceof Refusal) return { status: result.problem.status, body: result.problem };
  const [status, { schema }] = Object.entries(route.answers)[0]!;
  return { status: Number(status), ...(schema ? { body: schema.parse(result) } : {}) };
}

function findRoute(
  method: string,
  path: string,
): { readonly operation: OperationId; readonly route: Route; readonly params: Record<string, string> } | undefined {
  for (const [operation, route] of Object.entries(routes as Record<string, Route>)) {
    if (route.method !== method) continue;
    const pattern = new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const match = pattern.exec(path);
    if (!match) continue;
    const params = Object.fromEntries(Object.entries(match.groups ?? {}).map(([k, v]) => [k, decodeURIComponent(v)]));
    return { operation: operation as OperationId, route, params };
  }
  return undefined;
}
