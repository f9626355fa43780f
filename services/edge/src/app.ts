import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import helmet from 'helmet';
import type { Logger } from '@orgstream/runtime';

/**
 * The only HTTP side that the internet may reach. Nothing of a request is logged but its route: paths hold ids, queries hold
 * assertions. Every answer says that it may be neither stored nor named to the next page.
 */
export function createApp(options: {
  readonly log: Logger;
  readonly trustProxy: number;
  readonly routers: readonly Router[];
}): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', options.trustProxy);
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      referrerPolicy: { policy: 'no-referrer' },
    }),
  );
  app.use((_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  for (const router of options.routers) app.use(router);
  app.use((_request, response) => void response.status(404).json({ code: 'NOT_FOUND' }));
  app.use(refuse(options.log));
  return app;
}

/** What no route has answered itself: a malformed request, or a failure of ours. */
function refuse(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const { status } = (thrown ?? {}) as { readonly status?: unknown };
    const malformed = typeof status === 'number' && status >= 400 && status < 500;
    // The message of a malformed request quotes it.
    if (!malformed) log.error({ method: request.method, err: thrown }, 'request failed');
    if (response.headersSent) return void response.destroy();
    response.status(malformed ? status : 500).json({ code: malformed ? 'REQUEST_INVALID' : 'UNEXPECTED' });
  };
}
