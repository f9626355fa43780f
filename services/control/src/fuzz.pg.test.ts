import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { anything, fitting, type Schema } from './arbitrary-fixture.ts';
import { runBridge } from './chat-fixture.ts';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { openApiDocument } from './openapi.ts';

/**
 * The document against the running server: whatever is sent, no 5xx, no status and no body that the document does not
 * name. Nothing here knows the routes but by the document.
 */
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}
interface Content {
  readonly schema: Schema & { readonly $ref?: string };
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}
interface Target extends Operation {
  readonly method: string;
  readonly path: string;
}

const { paths, components } = openApiDocument as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};
/** What destroys comes last. */
const targets = Object.entries(paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Target => ({ ...operation, method, path })),
  )
  .sort((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'));

let ctx: ControlContext;
let bridge: AsyncDisposable;
let ours: TenantFixture;
let tokens: readonly string[];

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 0, CONTROL_REFUSED_PER_MINUTE: 100_000 });
  bridge = runBridge(ctx.db);
  ours = await ctx.addTenant('eu1.42');
  await ctx.addTenant('eu1.43');
  const session = await ctx.session(ours.tenant, '8');
  tokens = [await ctx.token('admin'), ours.token, session, 'ost_nonsense'];
});
afterAll(async () => {
  await bridge?.[Symbol.asyncDispose]();
  await ctx?.[Symbol.asyncDispose]();
});

interface Request {
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly token: number;
}

/** Ids that are there, so that requests get further than the door. */
function known(name: string): Arbitrary<unknown> {
  const ids: Readonly<Record<string, readonly string[]>> = {
    integration: [ours.integration],
    run: [ours.run],
    command: [`${ours.command}`],
    tenant: [ours.tenant],
    source: ['eu1'],
    kind: ['person', 'unit'],
    id: ['1', '2'],
    person: ['1', '2'],
    type: ['module.assigned'],
    notification: [`${ours.notification}`],
    'If-Match': ['"1"', '"1-1"'],
  };
  return fc.constantFrom(...(ids[name] ?? ['1']));
}

function requests({ parameters, requestBody }: Target): Arbitrary<Request> {
  const part = (where: Parameter['in']): Arbitrary<Record<string, unknown>> => {
    const mine = parameters.filter((parameter) => parameter.in === where);
    const values = mine.map(({ name, schema }) => {
      const there = fc.oneof({ weight: 3, arbitrary: known(name) }, { weight: 2, arbitrary: anything(schema) });
      return [name, where === 'query' ? fc.oneof({ weight: 3, arbitrary: fitting(schema) }, anything(schema)) : there];
    });
    const required = mine.filter((parameter) => parameter.required && where === 'path').map(({ name }) => name);
    return fc.record(Object.fromEntries(values) as Record<string, Arbitrary<unknown>>, { requiredKeys: required });
  };
  const schema = requestBody?.content['application/json']?.schema;
  return fc.record({
    path: part('path'),
    query: part('query'),
    header: part('header'),
    body: schema ? anything(schema) : fc.constant(undefined),
    token: fc.nat({ max: 9 }).map((n) => Math.max(0, n - 6)),
  });
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const asHeader = (value: unknown): string =>
  asText(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 2_000);
const asPath = (value: unknown): string => encodeURIComponent(asText(value).toWellFormed()) || '%20';

async function send({ method, path }: Target, request: Request): Promise<Response> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => asPath(request.path[name]));
  const url = new URL(
    `${ctx.url}${filled.replaceAll(/\/(%2E){1,2}(?=\/|$)/gi, '/dots').replaceAll(/\/\.{1,2}(?=\/|$)/g, '/dots')}`,
  );
  for (const [name, value] of Object.entries(request.query)) url.searchParams.set(name, asText(value));
  const headers: Record<string, string> = { authorization: `Bearer ${tokens[request.token]}` };
  for (const [name, value] of Object.entries(request.header)) headers[name] = asHeader(value);
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  return fetch(url, {
    method: method.toUpperCase(),
    headers,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
}

const compiled = new Map<Schema, z.ZodType>();
function validator(schema: Content['schema']): z.ZodType {
  const real = schema.$ref === undefined ? schema : components.schemas[schema.$ref.split('/').at(-1)!]!;
  let made = compiled.get(real);
  if (!made) compiled.set(real, (made = z.fromJSONSchema(real as Parameters<typeof z.fromJSONSchema>[0])));
  return made;
}

async function check(target: Target, response: Response): Promise<void> {
  const text = await response.text();
  const documented = target.responses[response.status];
  expect(response.status, text).toBeLessThan(500);
  expect(documented, `${response.status} ${text}`).toBeDefined();
  const type = response.headers.get('content-type')?.split(';')[0];
  if (!documented!.content) {
    expect(text).toBe('');
    return;
  }
  const content = documented!.content[type ?? ''];
  expect(content, `${type} ${text}`).toBeDefined();
  expect(validator(content!.schema).safeParse(JSON.parse(text)).error, text).toBeUndefined();
}

test('the document names every operation once', () => {
  expect(targets.length).toBeGreaterThan(30);
  expect(new Set(targets.map(({ operationId }) => operationId)).size).toBe(targets.length);
});

test.each(targets.filter(({ operationId }) => operationId !== 'stream'))(
  '$operationId: no 5xx, no undocumented answer',
  { timeout: 120_000 },
  async (target) => {
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(requests(target), async (request) => {
        const response = await send(target, request);
        statuses.add(response.status);
        await check(target, response);
      }),
      { numRuns: target.operationId === 'getStatus' ? 4 : 60, interruptAfterTimeLimit: 8_000 },
    );
    // Something got through the door, or this proves nothing.
    expect(
      [...statuses].some((status) => status !== 401),
      [...statuses].join(),
    ).toBe(true);
  },
);
