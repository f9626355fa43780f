import { Router, type Request, type Response } from 'express';
import { authRoutes } from './auth-routes.ts';
import type { ApiRoute } from './call.ts';
import { notFound } from './api-error.ts';
import { handle, type ApiState } from './exchange.ts';
import { organisationRoutes } from './organisation-routes.ts';
import { userRoutes } from './user-routes.ts';
import { chatRoutes } from '../chat/chat-routes.ts';

const routes: readonly ApiRoute[] = [...authRoutes, ...userRoutes, ...organisationRoutes, ...chatRoutes];

/** Ziik's REST API of every site, below `/s/:siteId/api`. */
export function apiRouter(state: ApiState): Router {
  const router = Router({ mergeParams: true });
  const register = (route: ApiRoute) => {
    router[route.method](route.path, (req: Request, res: Response) => handle(state, route, req, res));
  };
  for (const route of routes) register(route);
  const unknown = () => Promise.reject(notFound('this route'));
  for (const method of ['get', 'post', 'patch', 'delete'] as const) register({ method, path: '/*rest', run: unknown });
  return router;
}
