import type { CallInfo } from './http.ts';

/** A route: its name for metrics, and how it is called. */
export interface Route {
  readonly route: string;
  readonly method: CallInfo['method'];
  readonly path: string;
  /** Changes something that a repetition would change again. */
  readonly write: boolean;
  /** 404 speaks of the object asked for; elsewhere it means that the base URL is wrong. */
  readonly mayMiss: boolean;
  /** Signs in: a refusal is about the credentials. */
  readonly login?: true;
}

/** A route that only reads. */
export function reading(route: string, path: string, mayMiss = false): Route {
  return { route, method: 'GET', path, write: false, mayMiss };
}

/** A route that changes something. */
export function writing(route: string, method: Route['method'], path: string, mayMiss = true): Route {
  return { route, method, path, write: true, mayMiss };
}
