import { randomBytes } from 'node:crypto';
import { RateLimit, type SimClock } from '@orgstream/simulator-kit';
import { DepartmentStore } from './department-store.ts';
import type { Credentials, PlatformSettings } from './model.ts';
import { JobProfileStore, PermissionTypeStore } from './name-stores.ts';
import { NotificationStore } from './notification-store.ts';
import { UserStore } from './user-store.ts';

const defaultSettings: Readonly<PlatformSettings> = {
  rateLimitPerMinute: 300,
  tokenTtlS: 3_600,
  language: 'da',
  languages: ['da', 'en', 'no', 'sv', 'de', 'pl', 'ar'],
  activationMails: false,
};

/** One customer's Learningbank: its own ids, credentials, limits and data. */
export class Platform {
  readonly id: number;
  readonly name: string;
  readonly settings: PlatformSettings;
  credentials: Credentials;
  readonly clock: SimClock;
  readonly departments: DepartmentStore;
  readonly permissionTypes: PermissionTypeStore;
  readonly jobProfiles: JobProfileStore;
  readonly users: UserStore;
  readonly notifications = new NotificationStore();
  readonly rateLimit = new RateLimit();
  /** Access token → expiry. */
  readonly tokens = new Map<string, number>();
  readonly loginLinks = new Map<string, { userId: number; redirectPath: string; expiresAtMs: number; used: boolean }>();
  /** Idempotency-Key → what was answered. */
  readonly answers = new Map<string, { request: string; status: number; body: unknown }>();
  /** Session of a browser → user. */
  readonly sessions = new Map<string, number>();

  constructor(options: {
    id: number;
    name: string;
    clock: SimClock;
    settings?: Partial<PlatformSettings>;
    credentials?: Partial<Credentials>;
    topDepartmentName?: string;
  }) {
    this.id = options.id;
    this.name = options.name;
    this.clock = options.clock;
    this.settings = { ...defaultSettings, ...options.settings };
    this.credentials = {
      username: `api-${options.id}`,
      password: randomBytes(12).toString('hex'),
      token: randomBytes(12).toString('hex'),
      ...options.credentials,
    };
    this.departments = new DepartmentStore(options.topDepartmentName ?? options.name, options.clock);
    this.permissionTypes = new PermissionTypeStore();
    this.jobProfiles = new JobProfileStore();
    this.users = new UserStore(this);
  }

  issueToken(): string {
    const now = this.clock.now();
    for (const [token, expiresAtMs] of this.tokens) if (expiresAtMs <= now) this.tokens.delete(token);
    const token = randomBytes(24).toString('base64url');
    this.tokens.set(token, now + this.settings.tokenTtlS * 1_000);
    return token;
  }

  acceptsToken(token: string): boolean {
    const expiresAtMs = this.tokens.get(token);
    return expiresAtMs !== undefined && expiresAtMs > this.clock.now();
  }
}
