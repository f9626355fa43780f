import { Problem, routes, type Route } from '@orgstream/control-api';
import { z } from 'zod';

type Json = Record<string, unknown>;

const problems: Readonly<Record<number, string>> = {
  400: 'A part of the request does not fit; `field` names it.',
  401: 'The token is missing, unknown, expired or revoked; or the assertion does not hold.',
  403: "The token's role, or its tenants, do not allow this; or its owner is no administrator of that Ziik.",
  404: 'It is not there, or belongs to a tenant the token is not for.',
  409: 'It cannot be done as things stand; the code says why.',
  412: 'It was changed since it was read.',
  413: 'The body is larger than 1 MB.',
  415: 'The body is not JSON.',
  422: 'The Idempotency-Key was used for another request, or a setting belongs to another preset.',
  428: 'If-Match is missing.',
  429: 'Refused log-ins; Retry-After says how long to wait.',
  503: "The database, or an issuer's key server, does not answer.",
};

/** Refusals that a route can answer with, besides those of its own. */
function refusals(route: Route): readonly number[] {
  const changes = route.method !== 'get';
  return [
    400,
    ...(route.role === null && !route.signsIn ? [] : [401, 403, 429]),
    ...(route.params || changes ? [404] : []),
    ...(changes || route.asks ? [409] : []),
    ...(changes ? [422] : []),
    ...(route.ifMatch ? [412, 428] : []),
    ...(route.body ? [413, 415] : []),
    503,
  ];
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  return json as Json;
};

function parameters(route: Route): Json[] {
  const of = (schema: z.ZodObject | undefined, where: 'path' | 'query'): Json[] => {
    if (!schema) return [];
    const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.keys(schema.shape).map((name) => {
      const { description, ...json } = properties[name] ?? {};
      const type = Object.keys(json).length === 0 ? coerced(schema.shape[name] as z.ZodType) : json;
      return {
        name,
        in: where,
        required: where === 'path' || required.includes(name),
        ...(description === undefined ? {} : { description }),
        schema: type,
        ...(route.example?.query?.[name] === undefined || where === 'path'
          ? {}
          : { example: route.example.query[name] }),
      };
    });
  };
  const header = (name: string, pattern: string, description: string): Json => ({
    name,
    in: 'header',
    required: name === 'If-Match' && route.ifMatch === true,
    description,
    schema: { type: 'string', pattern },
  });
  return [
    ...of(route.params, 'path'),
    ...of(route.query, 'query'),
    ...(route.ifMatch ? [header('If-Match', '^"[!#-~]{1,100}"$', 'The ETag of what was read.')] : []),
    ...(route.method === 'post' && route.role !== null
      ? [
          header(
            'Idempotency-Key',
            '^[!-~]{1,200}$',
            'The same key and request again: the same answer, and no second effect.',
          ),
        ]
      : []),
  ];
}

/** What text becomes: zod's input of a coercion is anything. */
function coerced(schema: z.ZodType): Json {
  return schemaOf(schema, 'output');
}

function operation(id: string, route: Route): Json {
  const answers = Object.entries(route.answers).map(([status, answer]) => [
    status,
    {
      description: answer.description,
      ...(route.etag && status.startsWith('2') ? { headers: { ETag: { schema: { type: 'string' } } } } : {}),
      ...(answer.schema
        ? { content: { 'application/json': { schema: schemaOf(answer.schema, 'output') } } }
        : answer.contentType
          ? { content: { [answer.contentType]: { schema: { type: 'string' } } } }
          : {}),
    },
  ]);
  const refused = refusals(route).map((status) => [
    status,
    {
      description: problems[status],
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]);
  return {
    operationId: id,
    summary: route.summary,
    description: [route.description, route.role === null ? undefined : `Role: ${route.role}.`]
      .filter(Boolean)
      .join(' '),
    ...(route.role === null ? { security: [] } : {}),
    parameters: parameters(route),
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: schemaOf(route.body, 'input'),
                ...(route.example?.body === undefined ? {} : { example: route.example.body }),
              },
            },
          },
        }
      : {}),
    responses: Object.fromEntries([...answers, ...refused]),
  };
}

function paths(): Json {
  const byPath: Record<string, Json> = {};
  for (const [id, route] of Object.entries(routes as Record<string, Route>)) {
    (byPath[route.path] ??= {})[route.method] = operation(id, route);
  }
  return byPath;
}

/** The admin API as OpenAPI 3.1, from the schemas that validate its requests. */
export const openApiDocument: Json = {
  openapi: '3.1.0',
  info: {
    title: 'orgstream control',
    version: '1',
    description:
      'Admin API of orgstream. Errors are problem+json with code, field and remedy. Lists are paged by cursor. What can be changed by two at once takes If-Match.',
  },
  servers: [{ url: '/' }],
  security: [{ token: [] }],
  paths: paths(),
  components: {
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    schemas: { Problem: schemaOf(Problem, 'output') },
  },
};
