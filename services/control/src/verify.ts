import {
  createLearningbankClient,
  parseCredentials,
  type LearningbankClient,
  type Credentials,
} from '@orgstream/clients';
import type { Finding } from '@orgstream/control-api';
import { isAppError, manualOf } from '@orgstream/core';
import { listIssuers, readChannel, readLoginSetting, openSecret, readSettingsVersions } from '@orgstream/database';
import type { IntegrationHead } from './access.ts';
import type { Deps } from './deps.ts';
import { sharedWith } from './handlers/settings.ts';
import { readSettings } from './stores/settings-store.ts';
import { verifyChannel } from './verify-channel.ts';

/** Pages of users that are looked through for Owners. */
const OWNER_PAGES = 10;
/** All calls together may take so many times what one may: who asks waits. */
const CALLS_TIME = 4;

interface Verification {
  readonly ok: boolean;
  readonly findings: Finding[];
  readonly proposed: { readonly protectedEmails: string[] };
}

/** Tests the credentials of an integration, and looks for what the vendors say should be set up before people are sent. */
export async function verify(deps: Deps, head: IntegrationHead): Promise<Verification> {
  const findings: Finding[] = [];
  const others = await sharedWith(deps, head.id);
  if (others > 0) findings.push(warnings.shared(others));
  const read = await readSettingsVersions(deps.db, head.id);
  const settings = read && (await readSettings(deps.db, head.id, read.version));
  let missing: string[] = [];
  try {
    const credentials = parseCredentials(await openSecret(deps.db, deps.secrets, head.secret_id));
    const client = clientOf(deps, head.platform_url, credentials);
    const within = deadlineOf(deps);
    await client.login(within);
    findings.push(...(await lookAround(client, settings?.defaults.jobProfileId ?? null, within)));
    const owners = await ownersOf(client, within);
    const known = new Set(
      [...(settings?.protectedEmails ?? []), ...(settings?.filters.users.exclude ?? [])].map((entry) =>
        entry.toLowerCase(),
      ),
    );
    missing = owners.filter((email) => !known.has(email));
    if (missing.length > 0) findings.push(warnings.unprotected(missing.length));
  } catch (error) {
    findings.push(refused(error));
  }
  findings.push(...(await loginFindings(deps, head)));
  const channel = await readChannel(deps.db, head.id);
  if (channel) findings.push(...(await verifyChannel(deps, head, channel)));
  return { ok: !findings.some(({ level }) => level === 'error'), findings, proposed: { protectedEmails: missing } };
}

/** E-mails of the platform's Owners, for a new integration; what goes wrong is a finding, and nobody's end. */
export async function findOwners(
  deps: Deps,
  platformUrl: string,
  credentials: Credentials,
): Promise<{ readonly emails: readonly string[]; readonly findings: Finding[] }> {
  try {
    const client = clientOf(deps, platformUrl.replace(/\/+$/, ''), credentials);
    const within = deadlineOf(deps);
    await client.login(within);
    return { emails: await ownersOf(client, within), findings: [] };
  } catch (error) {
    return { emails: [], findings: [{ ...refused(error), level: 'warning' }, warnings.ownersUnknown] };
  }
}

/** Nobody can log in where nobody may say who people are. */
async function loginFindings({ db }: Deps, head: IntegrationHead): Promise<Finding[]> {
  const [{ enabled }, issuers] = await Promise.all([
    readLoginSetting(db, head.id),
    listIssuers(db, { within: null, tenant: head.tenant, after: undefined, limit: 1 }),
  ]);
  if (!enabled || issuers.length > 0) return [];
  return [head.product === 'login' ? { ...warnings.noIssuer, level: 'error' } : warnings.noIssuer];
}

function clientOf(deps: Deps, baseUrl: string, credentials: Credentials): LearningbankClient {
  return createLearningbankClient({ baseUrl, credentials, timeoutMs: deps.callTimeoutMs });
}

interface Within {
  readonly signal: AbortSignal;
}

const deadlineOf = ({ callTimeoutMs }: Deps): Within => ({ signal: AbortSignal.timeout(CALLS_TIME * callTimeoutMs) });

async function lookAround(client: LearningbankClient, ownDefault: number | null, within: Within): Promise<Finding[]> {
  const platform = await client.platform(within);
  const findings: Finding[] = [];
  if (platform.defaultJobProfileId === null && ownDefault === null) findings.push(warnings.noJobProfile);
  const on = (await client.notificationTypes(within)).filter((type) => !type.mandatory && type.enabled);
  if (on.length > 0) findings.push(warnings.notifications(on.length));
  return findings;
}

/** Active users with the built-in Owner type. They sit in the top department: others are looked through as far as it goes. */
async function ownersOf(client: LearningbankClient, within: Within): Promise<string[]> {
  const { topDepartmentId } = await client.platform(within);
  const ownerTypes = new Set<number>();
  for await (const { items } of client.permissionTypes({ name: 'Owner' }, within)) {
    for (const type of items) if (type.isSystem && type.name === 'Owner') ownerTypes.add(type.id);
  }
  if (ownerTypes.size === 0) return [];
  const emails = new Set<string>();
  for (const filter of [{ departmentId: topDepartmentId, isActive: true }, { isActive: true }]) {
    let pages = 0;
    for await (const { items } of client.users(filter, within)) {
      for (const { email, permissionTypeIds } of items) {
        if (email !== null && permissionTypeIds.some((id) => ownerTypes.has(id))) emails.add(email.toLowerCase());
      }
      pages += 1;
      if (pages >= OWNER_PAGES) break;
    }
  }
  return [...emails];
}

function refused(error: unknown): Finding {
  const code = isAppError(error) ? error.code : 'UNEXPECTED';
  const { meaning, remedy } = manualOf(code);
  return { level: 'error', code, message: isAppError(error) ? error.message : meaning, remedy };
}

const warnings = {
  noJobProfile: {
    level: 'warning',
    code: 'NO_DEFAULT_JOB_PROFILE',
    message: 'The platform has no default job profile: people whose role matches none get none.',
    remedy: 'Set one in Learningbank, or `defaults.jobProfileId` in the settings.',
  } satisfies Finding,
  notifications: (count: number): Finding => ({
    level: 'warning',
    code: 'NOTIFICATIONS_ON',
    message: `${count} notification types are on: the first sync may write to everybody.`,
    remedy: 'Switch them off in Learningbank under Organisation, Communication, until the first sync is done.',
  }),
  shared: (count: number): Finding => ({
    level: 'warning',
    code: 'PLATFORM_SHARED',
    message: `${count} other integrations send people to this platform.`,
    remedy: 'Mind that *deactivate users* is refused, and that a person in both is a match case.',
  }),
  unprotected: (count: number): Finding => ({
    level: 'warning',
    code: 'OWNERS_NOT_PROTECTED',
    message: `${count} Owners of the platform are not protected: they could be moved or deactivated.`,
    remedy: 'Add the proposed e-mails to `protectedEmails`, or exclude them.',
  }),
  noIssuer: {
    level: 'warning',
    code: 'ISSUER_MISSING',
    message: 'No issuer is configured for this tenant: every login and every shortcut is refused.',
    remedy: 'Add one (`orgstream issuer add`), or switch login off for the integration.',
  } satisfies Finding,
  ownersUnknown: {
    level: 'warning',
    code: 'OWNERS_UNKNOWN',
    message: "The platform's Owners could not be read: none was added to `protectedEmails`.",
    remedy: 'Mend the credentials, verify the integration, and add the e-mails it proposes.',
  } satisfies Finding,
};
