import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { ApiError } from './api-error.ts';
import type { Call, RouteSpec } from './exchange.ts';
import { linkGonePage, welcomePage } from './pages.ts';
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
    refuseLink(req, res);
    return;
  }
  link.used = true;
  user.lastLoginAt = platform.clock.iso();
  const session = randomBytes(18).toString('base64url');
  platform.sessions.set(session, user.id);
  res.setHeader('Set-Cookie', `lb_session=${session}; Path=/p/${platform.id}; HttpOnly; SameSite=Lax`);
  res.redirect(302, `/p/${platform.id}${link.redirectPath}`);
}

/** A browser gets a page, everybody else the documented answer. */
function refuseLink(req: Request, res: Response): void {
  const gone = new ApiError(410, 'link_used_or_expired', 'The link was used or has expired');
  res.status(410);
  if (req.accepts(['json', 'html']) === 'html') res.send(linkGonePage());
  else res.json(gone.body());
}

/** Any page of the platform: greets who is signed in, and says which page it is. */
export function sitePage(platform: Platform, req: Request, res: Response): void {
  const session = /(?:^|;\s*)lb_session=([^;]+)/u.exec(req.headers.cookie ?? '')?.[1];
  const userId = session === undefined ? undefined : platform.sessions.get(session);
  const user = userId === undefined ? undefined : platform.users.byId.get(userId);
  const signedIn = user?.isActive === true ? user : null;
  res.status(signedIn ? 200 : 401).send(welcomePage(platform, signedIn, pageOf(platform, req.path)));
}

function pageOf(platform: Platform, path: string): string {
  return path.slice(`/p/${platform.id}`.length).split('/').filter(Boolean).join('/');
}
