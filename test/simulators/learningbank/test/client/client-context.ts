import { AppError } from '@orgstream/core';
import { startSimulator, type Simulator } from '../../src/index.ts';
import {
  createLearningbankClient,
  type CallResult,
  type LearningbankClient,
  type LearningbankClientOptions,
} from '@orgstream/clients';

type World = Simulator['world'];

/** A simulator with one platform, and a client of it whose calls are kept. */
export class ClientContext implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly platform: ReturnType<World['platform']>;
  readonly calls: CallResult[] = [];
  readonly lb: LearningbankClient;

  private constructor(simulator: Simulator, options: Partial<LearningbankClientOptions>) {
    this.simulator = simulator;
    this.platform = simulator.world.platform(simulator.world.firstId);
    this.platform.settings.rateLimitPerMinute = 0;
    this.lb = this.client(options);
  }

  static async open(options: Partial<LearningbankClientOptions> = {}): Promise<ClientContext> {
    return new ClientContext(await startSimulator(), options);
  }

  get baseUrl(): string {
    return `${this.simulator.url}/p/${this.platform.id}/api/v1`;
  }

  client(options: Partial<LearningbankClientOptions> = {}): LearningbankClient {
    return createLearningbankClient({
      baseUrl: this.baseUrl,
      credentials: this.platform.credentials,
      timeoutMs: 2_000,
      onCall: (call) => this.calls.push(call),
      ...options,
    });
  }

  fault(fault: object): void {
    this.simulator.world.faults.add(fault);
  }

  noFaults(): void {
    this.simulator.world.faults.remove(null);
  }

  /** Routes called since the last look. */
  routes(): string[] {
    return this.calls.splice(0).map((call) => call.route);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
  }
}

/** The AppError that `promise` must reject with. */
export async function failureOf(promise: Promise<unknown>): Promise<AppError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Everything a logger would print of an error, causes included. */
export function printed(error: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    lines.push(at.message, at.stack ?? '', JSON.stringify(at, Object.getOwnPropertyNames(at)));
  }
  return lines.join('\n');
}
