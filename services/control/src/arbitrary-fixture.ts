import fc, { type Arbitrary } from 'fast-check';

/** A JSON schema as zod writes it. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** Values that fit a schema, mostly: what JSON schema cannot say, the server says. */
export function fitting(schema: Schema): Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms) return fc.oneof(...forms.map(fitting));
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.maxSafeInteger().map((n) => clamp(n, schema));
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => clamp(n, schema));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(fitting(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: (schema.minItems ?? 0) + 3,
      });
    case 'object':
      return object(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function clamp(n: number, { minimum = -1e9, maximum = 1e9 }: Schema): number {
  return n >= minimum && n <= maximum ? n : Math.max(minimum, Math.min(maximum, Math.abs(n % 1_000)));
}

function text({ format, pattern, minLength = 0, maxLength = 60 }: Schema): Arbitrary<string> {
  switch (format) {
    case 'uuid':
      return fc.uuid({ version: 4 });
    case 'date-time':
      return fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('2200-01-01') })
        .map((date) => date.toISOString());
    case 'email':
      return fc.emailAddress();
    case 'uri':
      return fc.webUrl();
    default:
  }
  const size = { minLength, maxLength: Math.min(maxLength, minLength + 40) };
  const free = fc.oneof(fc.string(size), fc.string({ ...size, unit: 'grapheme' }));
  if (pattern === undefined || pattern.startsWith('^[^')) return free;
  return fc.stringMatching(new RegExp(pattern)).map((match) => match.slice(0, maxLength));
}

function object({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fitting(schema)]));
  return fc.record(fields, { requiredKeys: [...required] });
}

const nasty = [
  '',
  ' ',
  '\0',
  '\ud800',
  "'; drop table control.token; --",
  '%',
  '../../etc/passwd',
  'NaN',
  '-1',
  '1e400',
  '9223372036854775808',
  'x'.repeat(5_000),
  '{"a":1}',
  'ﷺ'.repeat(300),
];

/** Values that may fit, and values that cannot: another type, a field too many or too few, text that hurts. */
export function anything(schema: Schema): Arbitrary<unknown> {
  return fc.oneof(
    { weight: 5, arbitrary: fitting(schema) },
    { weight: 2, arbitrary: fitting(schema).chain(broken) },
    { weight: 1, arbitrary: fc.constantFrom(...nasty) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );
}

function broken(value: unknown): Arbitrary<unknown> {
  const bad = fc.oneof(fc.constantFrom(...nasty), fc.jsonValue({ maxDepth: 1 }), fc.double());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad;
  const names = Object.keys(value);
  const anywhere = names.length === 0 ? fc.constant('extra') : fc.constantFrom(...names, 'extra');
  return fc.tuple(anywhere, bad).map(([name, wrong]) => ({ ...value, [name]: wrong }));
}
