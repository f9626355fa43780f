import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { one, type Db, type Id } from '../db.ts';

/** What a bearer token says. Times are the simulator's. */
export interface TokenClaims {
  readonly jti: string;
  readonly site: Id;
  readonly sub: Id;
  readonly iatMs: number;
  readonly exp: number;
}

/** Bearer tokens: JWTs signed with a secret that outlives the process, so that a restart logs nobody out. */
export class Tokens {
  readonly #secret: Buffer;

  private constructor(secret: Buffer) {
    this.#secret = secret;
  }

  static async open(db: Db): Promise<Tokens> {
    const row = await one<{ secret: Buffer }>(
      db,
      `insert into ziik_chat.instance as i (token_secret) values ($1)
       on conflict (one) do update set token_secret = i.token_secret returning token_secret as secret`,
      [randomBytes(32)],
    );
    if (!row) throw new Error('no token secret');
    return new Tokens(row.secret);
  }

  issue(site: Id, user: Id, nowMs: number, ttlS: number): { jwt: string; expires: number } {
    const exp = Math.ceil(nowMs / 1_000 + ttlS);
    const claims: TokenClaims = { jti: randomUUID(), site, sub: user, iatMs: nowMs, exp };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return { jwt: `${signed}.${this.#sign(signed).toString('base64url')}`, expires: exp };
  }

  /** The claims of a token that is ours and has not expired; else null. */
  read(jwt: string, nowMs: number): TokenClaims | null {
    const [header, payload, signature] = jwt.split('.');
    if (header === undefined || payload === undefined || signature === undefined) return null;
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(`${header}.${payload}`);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
    return claims.exp * 1_000 > nowMs ? claims : null;
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
