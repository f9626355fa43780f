import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a sender is, and how the site is set up; a test may change it at any time. */
export interface FakeSite {
  active: boolean;
  admin: boolean;
  chat: boolean;
  identifier: string;
}

export const senderOf = { email: 'academy@secret.example', password: 'top-secret-sender' };

/**
 * The little of Ziik's API that control asks for; sites are made when they are first asked for, by the last part of their
 * path. Whether a whole Ziik agrees is seen end to end, with the simulator.
 */
export class FakeZiik implements AsyncDisposable {
  readonly sites = new Map<string, FakeSite>();
  readonly #server = createServer((request, response) => {
    let text = '';
    request.on('data', (bytes: Buffer) => (text += bytes.toString()));
    request.on('end', () => {
      const [, tenant = '', path = ''] = /^\/([^/]+)\/api(\/.*)$/.exec(request.url ?? '') ?? [];
      const { status, body } = answer(this.site(tenant), path, text);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });

  static async start(): Promise<FakeZiik> {
    const ziik = new FakeZiik();
    await once(ziik.#server.listen(0, '127.0.0.1'), 'listening');
    return ziik;
  }

  urlOf(tenant: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${tenant}`;
  }

  site(tenant: string): FakeSite {
    const found = this.sites.get(tenant);
    if (found) return found;
    const made = { active: true, admin: false, chat: true, identifier: `site of ${tenant}` };
    this.sites.set(tenant, made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(site: FakeSite, path: string, text: string): { readonly status: number; readonly body: unknown } {
  switch (path) {
    case '/authenticate': {
      const { username, password } = JSON.parse(text) as { readonly username: string; readonly password: string };
      const isRight = username === senderOf.email && password === senderOf.password;
      if (!isRight) return { status: 401, body: { error: { code: 'invalid_credentials', is_ziik_error: true } } };
      return { status: 200, body: { jwt: 'a.b.c', expires: Math.floor(Date.now() / 1_000) + 3_600 } };
    }
    case '/users/current': {
      const { active, admin } = site;
      const user = { id: 900, name: 'Academy', first_name: 'Academy', last_name: '', email: senderOf.email };
      return { status: 200, body: { data: { ...user, active, admin } } };
    }
    case '/settings': {
      const { identifier, chat } = site;
      return {
        status: 200,
        body: { data: { site: { identifier, name: identifier, default_language: 'da' }, modules: { chat } } },
      };
    }
    default:
      return { status: 404, body: { error: { code: 'not_found', is_ziik_error: true } } };
  }
}
