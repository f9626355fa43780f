import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers under way get this long to finish when the server closes. */
const GRACE_MS = 5_000;

export interface HttpServer extends AsyncDisposable {
  /** Where it listens: the port that was chosen, when it was asked for port 0. */
  readonly url: string;
  readonly listening: boolean;
}

/** Serves an app to strangers: slow requests end; closing lets answers under way finish, for 5 s. */
export async function startHttpServer(
  app: RequestListener,
  options: { readonly host: string; readonly port: number; readonly server?: ServerOptions },
): Promise<HttpServer> {
  const server = createServer(options.server ?? {}, app);
  server.requestTimeout = 30_000;
  server.headersTimeout = 15_000;
  // Longer than proxies and clients keep an idle connection: who closes first must not be us, as a request comes in.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    get listening() {
      return server.listening;
    },
    async [Symbol.asyncDispose]() {
      const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
      clearTimeout(force);
    },
  };
}
