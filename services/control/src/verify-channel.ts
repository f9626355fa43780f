import { parseCredentials } from '@orgstream/clients';
import type { Finding } from '@orgstream/control-api';
import { isAppError, knownFields, manualOf, renderTemplate } from '@orgstream/core';
import { openSecret, readSecret, type ChannelRow } from '@orgstream/database';
import type { IntegrationHead } from './access.ts';
import type { Deps } from './deps.ts';
import { readNotificationTypes, type NotificationTypes } from './stores/notification-type-store.ts';
import { lookAtSender, senderFindings } from './ziik-sender.ts';

/** Tries the channel's sender at Ziik, and looks for what should be set up better. */
export async function verifyChannel(deps: Deps, head: IntegrationHead, channel: ChannelRow): Promise<Finding[]> {
  const [sender, hook, types, received] = await Promise.all([
    lookAgain(deps, head, channel),
    hookFindings(deps, channel),
    readNotificationTypes(deps.db, head.id),
    hasReceived(deps, head.id),
  ]);
  return [...sender, ...hook, ...typeFindings(types), ...(received ? [] : [findings.nothingCame(channel.intake)])];
}

async function lookAgain(deps: Deps, { tenant }: IntegrationHead, channel: ChannelRow): Promise<Finding[]> {
  try {
    const { username, password } = parseCredentials(await openSecret(deps.db, deps.secrets, channel.sender_secret_id));
    const sender = { email: username, password };
    return await senderFindings(deps, tenant, await lookAtSender(deps, { ziikUrl: channel.ziik_url, sender }));
  } catch (error) {
    return [failed(error)];
  }
}

async function hookFindings({ db, secrets }: Deps, { intake, hook_secret_id: id }: ChannelRow): Promise<Finding[]> {
  if (intake !== 'hook') return [];
  if (id === null) return [findings.noHookSecret];
  try {
    const sealed = await readSecret(db, id);
    if (!sealed) return [findings.noHookSecret];
    secrets.open(sealed);
    return [];
  } catch (error) {
    return [failed(error)];
  }
}

/** Our texts with fields the type does not have, and whether anything can come at all. */
function typeFindings({ readAt, types }: NotificationTypes): Finding[] {
  const faulty = types.filter(({ texts, body }) =>
    Object.values(texts).some((text) => unknownFields(text, knownFields(body)).length > 0),
  );
  const nothingOn = readAt !== null && !types.some(({ enabledInLearningbank }) => enabledInLearningbank);
  return [
    ...faulty.map(({ type }) => findings.unknownFields(type)),
    ...(readAt === null ? [findings.typesUnknown] : []),
    ...(nothingOn ? [findings.allOff] : []),
  ];
}

/** What rendering a text with all the fields there are warns of. */
export function unknownFields(text: string, fields: readonly string[]): readonly string[] {
  return renderTemplate(text, Object.fromEntries(fields.map((field) => [field, field]))).warnings;
}

async function hasReceived({ db }: Deps, integration: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from edge.intake where integration_id = ? and received_at is not null`,
    [integration],
  );
  return rows.length > 0;
}

function failed(error: unknown): Finding {
  const code = isAppError(error) ? error.code : 'UNEXPECTED';
  const { meaning, remedy } = manualOf(code);
  return { level: 'error', code, message: isAppError(error) ? error.message : meaning, remedy };
}

const findings = {
  noHookSecret: {
    level: 'error',
    code: 'HOOK_SECRET_MISSING',
    message: "The channel has no secret for the signatures of Learningbank's hook: everything that comes is refused.",
    remedy: 'Make one, and enter it in Learningbank.',
  } satisfies Finding,
  nothingCame: (intake: 'hook' | 'poll'): Finding => ({
    level: 'info',
    code: 'NOTHING_RECEIVED',
    message: 'No notification has come in yet.',
    remedy:
      intake === 'hook'
        ? "Enter the hook's address and secret in Learningbank."
        : 'Is edge running? It asks Learningbank by itself.',
  }),
  unknownFields: (type: string): Finding => ({
    level: 'warning',
    code: 'TEXT_FIELDS_UNKNOWN',
    message: `A text of ${type} names merge fields that it does not have: they are left out.`,
    remedy: 'Look at its preview, and mend the text.',
  }),
  typesUnknown: {
    level: 'info',
    code: 'TYPES_UNKNOWN',
    message: "Learningbank's notification types have not been read yet.",
    remedy: 'Is edge running, and are the credentials of the platform right?',
  } satisfies Finding,
  allOff: {
    level: 'warning',
    code: 'TYPES_ALL_OFF',
    message: 'No notification type is on for Ziik in Learningbank: nothing will come.',
    remedy: 'Switch types on in Learningbank under Organisation, Communication.',
  } satisfies Finding,
};
