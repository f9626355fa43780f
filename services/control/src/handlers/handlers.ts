import type { Deps } from '../deps.ts';
import type { Handlers } from '../http/request.ts';
import { channelHandlers } from './channel.ts';
import { integrationHandlers } from './integrations.ts';
import { loginHandlers } from './login.ts';
import { notificationHandlers } from './notifications.ts';
import { objectHandlers } from './objects.ts';
import { runHandlers } from './runs.ts';
import { sessionHandlers } from './session.ts';
import { settingsHandlers } from './settings.ts';
import { systemHandlers } from './system.ts';
import { tokenHandlers } from './tokens.ts';

/** One handler per operation; tsc says which is missing. */
export function createHandlers(deps: Deps): Handlers {
  return {
    ...systemHandlers(deps),
    ...tokenHandlers(deps),
    ...integrationHandlers(deps),
    ...settingsHandlers(deps),
    ...runHandlers(deps),
    ...objectHandlers(deps),
    ...channelHandlers(deps),
    ...notificationHandlers(deps),
    ...loginHandlers(deps),
    ...sessionHandlers(deps),
  };
}
