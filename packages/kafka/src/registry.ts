import registryPackage from '@kafkajs/confluent-schema-registry';
import avsc from 'avsc';
import { AppError, type ErrorCode } from '@orgstream/core';

const { SchemaRegistry } = registryPackage;
type RawSchema = Parameters<InstanceType<typeof SchemaRegistry>['getRegistryIdBySchema']>[1];
const requestTimeoutMs = 5_000;

/** Complete on purpose: the library merges a partial `retry` into a default shared by all its instances. */
const retry = { maxRetryTimeInSecs: 1, initialRetryTimeInSecs: 0.1, factor: 0.2, multiplier: 2, retries: 2 };

/** Where the schema registry is: its Confluent-compatible base URL. */
export interface RegistryOptions {
  readonly registryUrl: string;
  /** HTTP basic authentication. */
  readonly auth?: { readonly username: string; readonly password: string };
}

/** Look-ups in the registry, with its answers and failures told apart. */
export class RegistryLookup {
  readonly #registry: InstanceType<typeof SchemaRegistry>;

  constructor({ registryUrl, auth }: RegistryOptions) {
    this.#registry = new SchemaRegistry({
      host: registryUrl.replace(/\/$/, ''),
      retry,
      middlewares: [jsonAnswers],
      ...(auth ? { auth } : {}),
    });
  }

  /**
   * Id under which this very schema is registered. Not the subject's latest id: during a rolling update that is a newer
   * schema, and bytes written with ours would be read with it. Throws SCHEMA_NOT_REGISTERED, REGISTRY_UNREACHABLE.
   */
  async idOf(subject: string, schema: avsc.Schema): Promise<number> {
    try {
      return await this.#registry.getRegistryIdBySchema(subject, schema as RawSchema);
    } catch (error) {
      throw failed(error, 'SCHEMA_NOT_REGISTERED', `looking up the schema id of ${subject}`, { subject });
    }
  }

  /** Writer's schema by id. Throws SCHEMA_UNKNOWN, REGISTRY_UNREACHABLE, SCHEMA_UNRESOLVABLE. */
  async schemaOf(id: number): Promise<avsc.Schema> {
    let schema: unknown;
    try {
      schema = await this.#registry.getSchema(id);
    } catch (error) {
      throw failed(error, 'SCHEMA_UNKNOWN', `looking up schema ${id}`, { schemaId: id });
    }
    if (!avsc.Type.isType(schema)) {
      throw new AppError('SCHEMA_UNRESOLVABLE', `schema ${id} is not Avro`, { schemaId: id });
    }
    // Types of another copy of avsc do not resolve against ours: only the schema itself is taken.
    return (schema as avsc.Type).schema({ exportAttrs: true });
  }
}

/** A proxy's HTML page with status 200 must be an outage, not a schema that cannot be parsed. */
const jsonAnswers = () => ({
  request: async (request: { enhance(extras: object): unknown }) =>
    request.enhance({ timeout: requestTimeoutMs }) as never,
  response: async (next: () => Promise<{ data(): unknown }>) => {
    const response = await next();
    const body = response.data();
    // The library's own error path: a thrown response.
    // oxlint-disable-next-line no-throw-literal
    if (typeof body !== 'object' || body === null) throw response;
    return response as never;
  },
});

/** `notFound` for a 404; a schema the library cannot parse is poison; everything else is an outage. */
function failed(error: unknown, notFound: ErrorCode, doing: string, data: object): AppError {
  const code = codeOf(error, notFound);
  // The library's errors name URL and status only; its thrown responses are dropped, they hold whole requests.
  return new AppError(code, doing, { ...data, ...(error instanceof Error ? { cause: error } : {}) });
}

function codeOf(error: unknown, notFound: ErrorCode): ErrorCode {
  const name = error instanceof Error ? error.constructor.name : '';
  const status = (error as { status?: unknown } | null)?.status;
  // The look-up by schema turns a 404 into this class and drops the status.
  if (status === 404 || name === 'ConfluentSchemaRegistryError') return notFound;
  if (name === 'ConfluentSchemaRegistryArgumentError') return 'SCHEMA_UNRESOLVABLE';
  return 'REGISTRY_UNREACHABLE';
}
