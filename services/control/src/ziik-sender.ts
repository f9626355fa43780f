import { createZiikClient, type ZiikSettings, type ZiikUser } from '@orgstream/clients';
import type { Finding } from '@orgstream/control-api';
import { AppError, isAppError } from '@orgstream/core';
import type { IntegrationHead } from './access.ts';
import type { Deps } from './deps.ts';

export interface Sender {
  readonly email: string;
  readonly password: string;
}

/** What Ziik says of a sender. */
export interface SenderLook {
  readonly user: ZiikUser;
  readonly settings: ZiikSettings;
}

/** All calls together may take so many times what one may: who asks waits. */
const CALLS_TIME = 2;

/** Signs in to Ziik as the sender, and looks at the user and the site. Throws ZIIK_*. */
export async function lookAtSender(
  { callTimeoutMs }: Pick<Deps, 'callTimeoutMs'>,
  { ziikUrl, sender }: { readonly ziikUrl: string; readonly sender: Sender },
): Promise<SenderLook> {
  const { email: username, password } = sender;
  const client = createZiikClient({
    siteUrl: ziikUrl,
    credentials: { username, password },
    timeoutMs: callTimeoutMs,
  });
  const within = { signal: AbortSignal.timeout(CALLS_TIME * callTimeoutMs) };
  await client.authenticate(within);
  return { user: await client.me(within), settings: await client.settings(within) };
}

/**
 * Tries a sender before it is stored. Refused: credentials that Ziik does not take, an inactive user, a site that is not
 * the tenant's. What is merely unwise is a finding.
 */
export async function trySender(
  deps: Deps,
  { tenant }: IntegrationHead,
  given: { readonly ziikUrl: string; readonly sender: Sender },
): Promise<{ readonly id: number; readonly findings: Finding[] }> {
  const look = await lookAtSender(deps, given).catch((error: unknown) => {
    if (!isAppError(error)) throw error;
    throw new AppError(error.code, `trying the sender: ${error.message}`, { ...error.data, field: 'sender' });
  });
  const findings = await senderFindings(deps, tenant, look);
  const wrong = findings.find(({ code }) => code === 'SENDER_INACTIVE' || code === 'ZIIK_OF_ANOTHER_TENANT');
  if (wrong) {
    const field = wrong.code === 'SENDER_INACTIVE' ? 'sender' : 'ziikUrl';
    throw new AppError('REQUEST_INVALID', `body: ${field}: ${wrong.message}`, { field });
  }
  return { id: look.user.id, findings };
}

/** What is wrong or unwise about a sender that Ziik takes. */
export async function senderFindings({ db }: Deps, tenant: string, look: SenderLook): Promise<Finding[]> {
  const { user, settings } = look;
  const { rows } = await db.raw<{ rows: { identifier: string | null }[] }>(
    `select identifier from sink.tenant where tenant = ?`,
    [tenant],
  );
  const identifier = rows[0]?.identifier ?? null;
  const isOther = identifier !== null && identifier.toLowerCase() !== settings.identifier.toLowerCase();
  return [
    ...(isOther ? [findings.otherTenant] : []),
    ...(user.active ? [] : [findings.inactive]),
    ...(user.admin ? [findings.administrator] : []),
    ...(settings.chat ? [] : [findings.chatOff]),
  ];
}

const findings = {
  otherTenant: {
    level: 'error',
    code: 'ZIIK_OF_ANOTHER_TENANT',
    message: "The Ziik at this address is not the tenant's: its people are others.",
    remedy: "Give the address of the tenant's own Ziik.",
  },
  inactive: {
    level: 'error',
    code: 'SENDER_INACTIVE',
    message: 'The sender is inactive in Ziik.',
    remedy: 'Reactivate the user in Ziik, or choose another sender.',
  },
  administrator: {
    level: 'warning',
    code: 'SENDER_IS_ADMINISTRATOR',
    message: 'The sender is an administrator of that Ziik: its password opens far more than the chat.',
    remedy: 'Make a user without rights, for example "Academy", and send as that one.',
  },
  chatOff: {
    level: 'error',
    code: 'CHAT_MODULE_OFF',
    message: 'Chat is switched off in this Ziik: nothing is sent.',
    remedy: 'Switch it on in Ziik under Settings, Modules; the channel goes on by itself.',
  },
} satisfies Record<string, Finding>;
