import type { Answer } from '@orgstream/simulator-kit';
import type { Db, Id } from '../db.ts';
import type { SiteSettings } from './settings.ts';
import type { Tokens } from './tokens.ts';

/** The site a call is for. */
export interface Site {
  readonly id: Id;
  readonly identifier: string;
  readonly name: string;
  readonly defaultLanguage: string | null;
  readonly settings: SiteSettings;
}

/** Who calls. */
interface Actor {
  readonly id: Id;
  readonly admin: boolean;
}

/** What a handler gets. */
export interface ApiCall {
  readonly db: Db;
  readonly site: Site;
  /** Of an open route: nobody, id `0`. */
  readonly actor: Actor;
  /** Where the site is: `http://127.0.0.1:1234/s/1`. */
  readonly siteUrl: string;
  readonly nowMs: number;
  readonly tokens: Tokens;
  readonly params: Readonly<Record<string, string | undefined>>;
  /** Query and body in one: Ziik takes parameters as either. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface ApiRoute {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** Below `/api`: `/users/:id`. */
  readonly path: string;
  readonly run: (call: ApiCall) => Promise<Answer>;
  /** Needs no token. */
  readonly open?: boolean;
}
