import { z } from 'zod';
import { one } from '../db.ts';
import { ApiError } from './api-error.ts';
import type { ApiCall, ApiRoute } from './call.ts';
import { parse } from './input.ts';

const Credentials = z.object({ username: z.string().min(1), password: z.string().min(1) });

/** `/authenticate` and `/renew`. */
export const authRoutes: readonly ApiRoute[] = [
  {
    method: 'post',
    path: '/authenticate',
    open: true,
    run: async (call) => {
      const { username, password } = parse(Credentials, call.input);
      const user = await one<{ id: string }>(
        call.db,
        `select u.id from users u join ziik_chat.login l on l.site_id = u.site_id and l.user_id = u.id
         where u.site_id = $1 and lower(u.email) = lower($2) and l.password = $3 and u.active
           and u.deleted_at is null and u.anonymised_at is null and coalesce(u.expires_at > now(), true) limit 1`,
        [call.site.id, username, password],
      );
      if (!user) throw new ApiError(401, 'invalid_credentials', 'E-mail or password is wrong');
      return { status: 200, body: token(call, user.id) };
    },
  },
  { method: 'post', path: '/renew', run: async (call) => ({ status: 200, body: token(call, call.actor.id) }) },
];

function token({ site, tokens, nowMs }: ApiCall, userId: string): unknown {
  const issued = tokens.issue(site.id, userId, nowMs, site.settings.tokenTtlS);
  return site.settings.tokenAnswer === 'array' ? [issued] : issued;
}
