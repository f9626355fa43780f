import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** What the probes ask. Both are cheap: they look at state that the loops keep. */
export interface Health {
  /** The loop progressed: false makes the orchestrator restart the process. */
  live(): boolean;
  /** May take work. */
  ready(): boolean;
}

export interface OpsServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves /metrics, /livez and /readyz. */
export async function startOpsServer(options: {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
}): Promise<OpsServer> {
  const { registry, health } = options;
  const probe = (ok: boolean): { status: number; type: string; body: string } => ({
    status: ok ? 200 : 503,
    type: 'text/plain',
    body: ok ? 'ok\n' : 'not yet\n',
  });
  const answer = async (path: string): Promise<{ status: number; type: string; body: string }> => {
    switch (path) {
      case '/metrics':
        return { status: 200, type: registry.contentType, body: await registry.metrics() };
      case '/livez':
        return probe(health.live());
      case '/readyz':
        return probe(health.ready());
      default:
        return { status: 404, type: 'text/plain', body: 'here are /metrics, /livez and /readyz\n' };
    }
  };
  const server = createServer((request, response) => {
    answer(request.url?.split('?')[0] ?? '/').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
