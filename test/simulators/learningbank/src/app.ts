import express, { Router, type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { autoLogin, sitePage, tokenRoute } from './auth-routes.ts';
import { Exchange, type RouteSpec } from './exchange.ts';
import { notificationRoutes } from './notification-routes.ts';
import { organisationRoutes } from './organisation-routes.ts';
import { originOf, simRoutes } from './sim-routes.ts';
import { userRoutes } from './user-routes.ts';
import type { World } from './world.ts';

const routes: readonly RouteSpec[] = [tokenRoute, ...userRoutes, ...organisationRoutes, ...notificationRoutes];

/** The Express app over a world. */
export function createApp(world: World): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.json({ limit: '200mb', strict: false }));
  app.use('/_sim', simRoutes(world));
  app.use('/p/:platform/api/v1', apiRoutes(world));
  app.get('/p/:platform/auto-login', (req, res) => autoLogin(world.platform(Number(req.params.platform)), req, res));
  app.get('/p/:platform{/*page}', (req, res) => sitePage(world.platform(Number(req.params['platform'])), req, res));
  app.use(onError);
  return app;
}

function apiRoutes(world: World): Router {
  const router = Router({ mergeParams: true });
  const exchange = new Exchange(world.calls, world.faults);
  const register = (spec: RouteSpec) => {
    router[spec.method](spec.path, async (req: Request, res: Response) => {
      const params = req.params as Record<string, string | undefined>;
      const platform = world.platform(Number(params['platform']));
      const id = Number(params['id'] ?? Number.NaN);
      const body = req.body as unknown;
      await exchange.handle(spec, { platform, origin: originOf(req), id, params, query: req.query, body }, req, res);
    });
  };
  for (const spec of routes) register(spec);
  const unknown = () => {
    throw notFound('this route');
  };
  for (const method of ['get', 'post', 'patch', 'put', 'delete'] as const) {
    register({ method, path: '/*rest', run: unknown });
  }
  return router;
}

const onError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  const answer = translate(error);
  res.status(answer.status).json(answer.body());
};

function translate(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof z.ZodError) return new ApiError(422, 'validation_failed', z.prettifyError(error));
  if (error instanceof SyntaxError) return new ApiError(400, 'invalid_json', 'The body is not JSON');
  return new ApiError(500, 'internal', error instanceof Error ? error.message : 'unknown');
}
