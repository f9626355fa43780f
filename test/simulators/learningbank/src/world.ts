import { CallLog, Faults, SimClock } from '@orgstream/simulator-kit';
import { notFound } from './api-error.ts';
import { Platform } from './platform.ts';
import { PlatformInput, seed } from './seed.ts';
import type { z } from 'zod';

/** Everything one simulator process holds. */
export class World {
  readonly clock = new SimClock();
  readonly calls = new CallLog({ scopeKey: 'platform', authRoutes: ['/auth/token'] });
  readonly faults: Faults;
  readonly platforms = new Map<number, Platform>();
  /** The platform that exists from the start. */
  readonly firstId = 1;
  #nextId = 1;

  constructor(options: { random?: () => number } = {}) {
    this.faults = new Faults('platform', options.random);
    this.addPlatform(PlatformInput.parse({}));
  }

  addPlatform(input: z.infer<typeof PlatformInput>): Platform {
    const { name, credentials, topDepartmentName, rateLimitPerMinute, tokenTtlS, language, languages } = input;
    const settings = { rateLimitPerMinute, tokenTtlS, language, languages, activationMails: input.activationMails };
    const platform = new Platform({
      id: this.#nextId,
      name,
      clock: this.clock,
      settings: defined(settings),
      credentials: defined(credentials ?? {}),
      ...(topDepartmentName === undefined ? {} : { topDepartmentName }),
    });
    seed(platform, input);
    this.#nextId += 1;
    this.platforms.set(platform.id, platform);
    return platform;
  }

  platform(id: number): Platform {
    const platform = this.platforms.get(id);
    if (!platform) throw notFound('platform');
    return platform;
  }

  /** Back to the start: one empty platform with new credentials, no faults, no log, real time. */
  reset(): void {
    this.platforms.clear();
    this.faults.remove(null);
    this.calls.reset();
    this.clock.reset();
    this.#nextId = 1;
    this.addPlatform(PlatformInput.parse({}));
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
