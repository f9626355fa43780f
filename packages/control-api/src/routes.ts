import type { Route } from './route.ts';
import { chatRoutes } from './routes/chat.ts';
import { integrationRoutes } from './routes/integrations.ts';
import { loginRoutes } from './routes/login.ts';
import { runRoutes } from './routes/runs.ts';
import { systemRoutes } from './routes/system.ts';

/** The whole admin API by operation; server, OpenAPI document, client and tests are made from it. */
export const routes = {
  ...systemRoutes,
  ...integrationRoutes,
  ...runRoutes,
  ...chatRoutes,
  ...loginRoutes,
} as const satisfies Record<string, Route>;
export type Routes = typeof routes;
export type OperationId = keyof Routes;
