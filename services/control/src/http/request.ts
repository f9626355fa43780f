import type { OperationId, Output, Role, Routes } from '@orgstream/control-api';
import type { UsedToken } from '@orgstream/database';
import type { z } from 'zod';

/** Who asks. */
export interface Caller {
  /** null: nobody who has logged in. */
  readonly tokenId: string | null;
  readonly name: string;
  readonly role: Role;
  /** null = all tenants. */
  readonly tenants: readonly string[] | null;
  /** Of a session: the administrator of a Ziik who signed in. */
  readonly person: { readonly tenant: string; readonly id: string; readonly isAdministrator: boolean } | null;
}

export function toCaller({ id: tokenId, name, role, tenants, mayAct, ...token }: UsedToken): Caller {
  const person =
    token.person_tenant === null || token.person_id === null
      ? null
      : { tenant: token.person_tenant, id: token.person_id, isAdministrator: mayAct };
  return { tokenId, name, role, tenants, person };
}

type Part<R, Name extends 'params' | 'query' | 'body'> = R extends { readonly [K in Name]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

/** What is written to the audit beside actor, action and outcome. */
export interface AuditNote {
  readonly tenant?: string | null;
  readonly integration?: string | null;
  /** Ids and names of what is changed; never personal data, never secrets. */
  readonly object?: Readonly<Record<string, unknown>>;
}

/** A validated request of one operation. */
export interface Ask<Id extends OperationId> {
  readonly params: Part<Routes[Id], 'params'>;
  readonly query: Part<Routes[Id], 'query'>;
  readonly body: Part<Routes[Id], 'body'>;
  /** The ETag in If-Match, without quotes; null where the route takes none, or none was given and none is needed. */
  readonly ifMatch: string | null;
  readonly caller: Caller;
  /** For the audit; may be called more than once. */
  note(note: AuditNote): void;
}

export interface Reply<Id extends OperationId = OperationId> {
  readonly status: number;
  readonly body?: Output<Id>;
  /** Without quotes. */
  readonly etag?: string;
}

export type Handler<Id extends OperationId> = (ask: Ask<Id>) => Promise<Reply<Id>>;
/** One handler per operation; the event stream is no request and answer. */
export type Handlers = { readonly [Id in Exclude<OperationId, 'stream'>]: Handler<Id> };
