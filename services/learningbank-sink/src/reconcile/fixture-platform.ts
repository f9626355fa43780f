interface SimState {
  readonly departments: readonly {
    id: number;
    name: string;
    parentId: number | null;
    externalId: string | null;
    isTop: boolean;
  }[];
  readonly permissionTypes: readonly { id: number; name: string; externalId: string | null; isSystem: boolean }[];
  readonly users: readonly {
    id: number;
    externalId: string | null;
    email: string | null;
    firstName: string;
    lastName: string;
    isActive: boolean;
    departmentIds: readonly number[];
    permissionTypeIds: readonly number[];
    jobProfileId: number | null;
  }[];
}

interface SimCall {
  readonly seq: number;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly body?: unknown;
}

/** A platform of the simulator, through its own endpoints. */
export class SimPlatform {
  readonly facts: {
    readonly id: number;
    readonly url: string;
    readonly credentials: { readonly username: string; readonly password: string; readonly token: string };
    readonly topDepartmentId: number;
  };
  readonly #url: string;

  constructor(url: string, facts: SimPlatform['facts']) {
    this.#url = url;
    this.facts = facts;
  }

  state(): Promise<SimState> {
    return this.#json<SimState>('GET', `/_sim/state?platform=${this.facts.id}`);
  }

  calls(since = 0): Promise<readonly SimCall[]> {
    return this.#json<readonly SimCall[]>('GET', `/_sim/calls?platform=${this.facts.id}&since=${since}`);
  }

  /** Calls that change something, whatever became of them. */
  async writes(since = 0): Promise<readonly SimCall[]> {
    return (await this.calls(since)).filter(({ method, route }) => method !== 'GET' && !route.startsWith('/auth'));
  }

  async fault(fault: object): Promise<number> {
    return (await this.#json<{ id: number }>('POST', '/_sim/faults', { platform: this.facts.id, ...fault })).id;
  }

  async heal(): Promise<void> {
    await this.#json('DELETE', '/_sim/faults');
  }

  settings(settings: object): Promise<unknown> {
    return this.#json('PATCH', `/_sim/platforms/${this.facts.id}`, settings);
  }

  /** Departments as paths below the top one. */
  async tree(): Promise<readonly string[]> {
    const { departments } = await this.state();
    const byId = new Map(departments.map((one) => [one.id, one]));
    const path = (id: number): string => {
      const { parentId, name, isTop } = byId.get(id)!;
      return isTop || parentId === null ? '' : `${path(parentId)}/${name}`;
    };
    return departments
      .filter(({ isTop }) => !isTop)
      .map(({ id }) => path(id))
      .toSorted();
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}
