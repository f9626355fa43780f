import { AppError, isAppError, recordsOf, schemas, subjectOf } from '@orgstream/core';
import type { RecordName } from './codec-port.ts';
import type { RegistryOptions } from './registry.ts';

const level = 'FULL_TRANSITIVE';

/** A record type on a topic, and how its schema stands in the registry. */
export interface SubjectReport {
  readonly subject: string;
  /** `new` = not registered yet, `changed` = compatible but not registered, `registered` = nothing to do. */
  readonly state: 'new' | 'changed' | 'registered' | 'incompatible';
  /** The registry's reasons when incompatible. */
  readonly reasons: readonly string[];
}

/**
 * Registers every record type of every topic; the deploy step. Idempotent. The subject's level is set before its first
 * version: registries default to NONE or BACKWARD, under which first versions go unchecked.
 * Throws SCHEMA_INCOMPATIBLE before anything was registered, REGISTRY_UNREACHABLE.
 */
export async function registerSchemas(
  options: RegistryOptions,
  subjects: readonly Subject[] = allSubjects(),
): Promise<readonly SubjectReport[]> {
  const reports = await checkSchemas(options, subjects);
  const bad = reports.filter(({ state }) => state === 'incompatible');
  if (bad.length > 0) {
    const names = bad.map(({ subject }) => subject);
    const reasons = bad.flatMap((report) => report.reasons);
    throw new AppError('SCHEMA_INCOMPATIBLE', `registering ${names.join(', ')}`, { subjects: names, reasons });
  }
  for (const entry of subjects) {
    await ensureLevel(options, entry.subject);
    await register(options, entry);
  }
  return reports;
}

/** As with the level: a 409 from somebody else's registration under way is none from the schema, which was judged before. */
async function register(options: RegistryOptions, entry: Subject): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call(options, 'POST', `/subjects/${encodeURIComponent(entry.subject)}/versions`, entry.body);
      return;
    } catch (error) {
      if (attempt === TRIES || !isAppError(error, 'SCHEMA_INCOMPATIBLE')) throw error;
      if ((await check(options, entry)).state === 'incompatible') throw error;
    }
  }
}

/** How every record type stands, without registering anything. Throws REGISTRY_UNREACHABLE. */
export async function checkSchemas(
  options: RegistryOptions,
  subjects: readonly Subject[] = allSubjects(),
): Promise<readonly SubjectReport[]> {
  const reports: SubjectReport[] = [];
  for (const entry of subjects) reports.push(await check(options, entry));
  return reports;
}

/** A subject and its schema as the registry takes it. */
export interface Subject {
  readonly subject: string;
  readonly body: { readonly schema: string };
}

function allSubjects(): readonly Subject[] {
  return Object.entries(recordsOf).flatMap(([topic, names]) =>
    names.map((name: RecordName) => ({
      subject: subjectOf(topic, name),
      body: { schema: JSON.stringify(schemas[name]) },
    })),
  );
}

async function check(options: RegistryOptions, { subject, body }: Subject): Promise<SubjectReport> {
  const path = encodeURIComponent(subject);
  const versions = await call(options, 'GET', `/subjects/${path}/versions`);
  if (versions.status === 404) return { subject, state: 'new', reasons: [] };
  const known = await call(options, 'POST', `/subjects/${path}`, body);
  if (known.status === 200) return { subject, state: 'registered', reasons: [] };
  // Every version one by one: a registry that fell back to a weaker level would check the latest only.
  const reasons: string[] = [];
  for (const version of versions.body as readonly number[]) {
    const answer = await call(
      options,
      'POST',
      `/compatibility/subjects/${path}/versions/${version}?verbose=true`,
      body,
    );
    const { is_compatible, reason, messages } = answer.body as Compatibility;
    if (is_compatible !== true) reasons.push(...(messages ?? [reason ?? `version ${version}`]));
  }
  return { subject, state: reasons.length === 0 ? 'changed' : 'incompatible', reasons };
}

interface Compatibility {
  readonly is_compatible?: boolean;
  readonly reason?: string;
  readonly messages?: readonly string[];
}

/** Two registrations at once: whoever comes second is told 409, and finds it done when it looks again. */
const TRIES = 5;

async function ensureLevel(options: RegistryOptions, subject: string): Promise<void> {
  const path = `/config/${encodeURIComponent(subject)}`;
  for (let attempt = 1; ; attempt += 1) {
    const current = await call(options, 'GET', path);
    if ((current.body as { compatibilityLevel?: string }).compatibilityLevel === level) return;
    const { status } = await call(options, 'PUT', path, { compatibility: level });
    if (status === 200) return;
    if (attempt === TRIES) throw new AppError('REGISTRY_UNREACHABLE', `setting the level of ${subject}`, { status });
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** 200 and 404 are answers; 409 is an incompatible schema, or, of a level, that somebody else sets it; else an outage. */
async function call(
  { registryUrl, auth }: RegistryOptions,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const url = registryUrl.replace(/\/$/, '') + path;
  const headers = {
    'Content-Type': 'application/vnd.schemaregistry.v1+json',
    ...(auth ? { Authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` } : {}),
  };
  let response: Response;
  let json: unknown;
  try {
    const signal = AbortSignal.timeout(10_000);
    response = await fetch(url, { method, headers, signal, ...(body ? { body: JSON.stringify(body) } : {}) });
    json = await response.json();
  } catch (cause) {
    throw new AppError('REGISTRY_UNREACHABLE', `calling the registry: ${method} ${path}`, { cause });
  }
  const { status } = response;
  const isAnswer = status === 200 || status === 404 || (status === 409 && path.startsWith('/config/'));
  if (isAnswer) return { status, body: json };
  if (status === 409) throw new AppError('SCHEMA_INCOMPATIBLE', `registering ${path}`, { reasons: [messageOf(json)] });
  throw new AppError('REGISTRY_UNREACHABLE', `calling the registry: ${method} ${path}: HTTP ${status}`, { status });
}

function messageOf(json: unknown): string {
  const message = (json as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : 'no reason given';
}
