import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came. */
export interface Asked {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** An answer as JSON, or whatever the handler does with the connection itself. */
export type Reply =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | ((res: ServerResponse) => void);

/** A server that answers what a test says, word by word; ended with the connections it keeps open. */
export class HostileServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  #answer: (asked: Asked) => Reply = () => ({ json: {} });

  private constructor() {
    this.#server = createServer((req, res) => void this.#handle(req, res));
  }

  static async open(): Promise<HostileServer> {
    const opened = new HostileServer();
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    return opened;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answer(how: (asked: Asked) => Reply): void {
    this.#answer = how;
  }

  /** Paths asked for since the last look. */
  paths(): string[] {
    return this.asked.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const asked = {
      method: req.method ?? '',
      path: req.url ?? '',
      authorization: req.headers.authorization,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    this.asked.push(asked);
    const reply = this.#answer(asked);
    if (typeof reply === 'function') return reply(res);
    res.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    res.end(JSON.stringify(reply.json));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
