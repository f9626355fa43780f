import type { z } from 'zod';
import type { Role } from './common.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

interface Answer {
  readonly description: string;
  /** Absent: no body. */
  readonly schema?: z.ZodType;
  /** Other than application/json. */
  readonly contentType?: string;
}

/** One route of the admin API: everything that server, document, client and tests need to know of it. */
export interface Route {
  readonly method: Method;
  /** As in OpenAPI: `/v1/runs/{run}`. */
  readonly path: string;
  /** The weakest role that may use it; null: no log-in. */
  readonly role: Role | null;
  /** It is a log-in itself: refusals are counted by address as those of tokens are. */
  readonly signsIn?: true;
  /**
   * Whose data it is about: what its path or body names belongs to a tenant, and is 404 for a token bound to others;
   * `list`: filtered by tenant; `all`: only for tokens that are not bound to tenants.
   */
  readonly about: 'tenant' | 'list' | 'all' | 'nobody';
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** It asks a service, whose refusals are 409; of what changes something this is so anyhow. */
  readonly asks?: true;
  /** A read that is in the audit, as changes are: whose words were read, and by whom. */
  readonly audited?: true;
  /** Answers carry an ETag. */
  readonly etag?: true;
  /** If-Match is required: 428 without, 412 when it is stale. `replace`: only where there is something to replace. */
  readonly ifMatch?: true | 'replace';
  /** The answer holds a secret, or people's addresses: kept sealed for repetitions under the same Idempotency-Key. */
  readonly secret?: true;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly example?: { readonly body?: unknown; readonly query?: Readonly<Record<string, string>> };
}
