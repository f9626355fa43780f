import { startSimulator, type Simulator } from '../src/index.ts';

/** One answer, parsed. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, the text when it is none, undefined when empty. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests reach into answers of every shape
  readonly body: any;
}

/** A simulator with one platform of its own, and raw HTTP against both of its faces. */
export class SimContext implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly platform: { id: number; url: string; credentials: Record<string, string>; topDepartmentId: number };
  #token = '';

  private constructor(simulator: Simulator, platform: SimContext['platform']) {
    this.simulator = simulator;
    this.platform = platform;
  }

  static async open(platform: object = {}): Promise<SimContext> {
    const simulator = await startSimulator();
    const made = await request(`${simulator.url}/_sim/platforms`, 'POST', { rateLimitPerMinute: 0, ...platform });
    if (made.status !== 201) throw new Error(`platform: ${JSON.stringify(made.body)}`);
    const context = new SimContext(simulator, made.body as SimContext['platform']);
    await context.login();
    return context;
  }

  async login(): Promise<Got> {
    const got = await request(`${this.platform.url}/auth/token`, 'POST', this.platform.credentials);
    this.#token = (got.body as { accessToken: string }).accessToken;
    return got;
  }

  /** A call of the API with the token. */
  api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Got> {
    return request(`${this.platform.url}${path}`, method, body, { Authorization: `Bearer ${this.#token}`, ...headers });
  }

  sim(method: string, path: string, body?: unknown): Promise<Got> {
    return request(`${this.simulator.url}/_sim${path}`, method, body);
  }

  /** Creates through the API and returns the object's id. */
  async create(path: string, body: object): Promise<number> {
    const got = await this.api('POST', path, body);
    if (got.status !== 201) throw new Error(`${path}: ${got.status} ${JSON.stringify(got.body)}`);
    return (got.body as { data: { id: number } }).data.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
  }
}

export async function request(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Got> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: parse(await response.text()) };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
