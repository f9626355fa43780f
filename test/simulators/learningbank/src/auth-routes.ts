import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { ApiError } from './api-error.ts';
import type { Call, RouteSpec } from './exchange.ts';
import type { Platform } from './platform.ts';
import { bodies, parse } from './validate.ts';

/** The token call. The path prefix names the platform, so `token` may be missing; a wrong one is refused. */
export const tokenRoute: RouteSpec = {
  method: 'post',
  path: '/auth/token',
  open: true,
  run: ({ platform, origin, body }: Call) => {
    const given = parse(bodies.token, body);
    const { username, password, token } = platform.credentials;
    const right =
      given.username === username &&
      given.password === password &&
      (given.token === undefined || given.token === '' || given.token === token);
    if (!right) throw new ApiError(401, 'invalid_credentials', 'Username, password or token is wrong');
    return {
      status: 200,
      body: {
        accessToken: platform.issueToken(),
        tokenType: 'Bearer',
        expiresIn: platform.settings.tokenTtlS,
        platform: { id: platform.id, name: platform.name, url: `${origin}/p/${platform.id}` },
      },
    };
  },
  show: () => ({}),
};

/** A browser follows a login link: session, then the page. Once only, within a minute. */
export function autoLogin(platform: Platform, req: Request, res: Response): void {
  const { token } = req.query;
  const link = typeof token === 'string' ? platform.loginLinks.get(token) : undefined;
  const user = link && platform.users.byId.get(link.userId);
  if (!link || !user || link.used || link.expiresAtMs <= platform.clock.now()) {
    const gone = new ApiError(410, 'link_used_or_expired', 'The link was used or has expired');
    res.status(410).json(gone.body());
    return;
  }
  link.used = true;
  user.lastLoginAt = platform.clock.iso();
  const session = randomBytes(18).toString('base64url');
  platform.sessions.set(session, user.id);
  res.setHeader('Set-Cookie', `lb_session=${session}; Path=/p/${platform.id}; HttpOnly; SameSite=Lax`);
  res.redirect(302, `/p/${platform.id}${link.redirectPath}`);
}

/** Any page of the platform: says who is signed in, by id. */
export function sitePage(platform: Platform, req: Request, res: Response): void {
  const session = /(?:^|;\s*)lb_session=([^;]+)/u.exec(req.headers.cookie ?? '')?.[1];
  const userId = session === undefined ? undefined : platform.sessions.get(session);
  const who = userId === undefined ? 'not signed in' : `signed in as user ${userId}`;
  res.status(userId === undefined ? 401 : 200);
  res.type('html').send(`<!doctype html><title>Learningbank</title><p>Platform ${platform.id}, ${who}</p>`);
}
