import { z } from 'zod';
import { bareUrl, Code, Finding, Instant, SourceId, Uuid } from './common.ts';

/** Key of a notification type at Learningbank. */
export const NotificationTypeKey = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dots, dashes and underscores')
  .describe('For example `module.assigned`.');

const Language = z
  .string()
  .max(20)
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language as `da` or `pt-BR`');
/** A text may be for whatever language. */
const TextLanguage = z
  .string()
  .max(20)
  .regex(/^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$/, 'must be a language as `da` or `pt-BR`, or empty: for all others');

// oxlint-disable-next-line no-control-regex -- they are what is refused
const text = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/;
/** Text of a message: `{{firstName}}`, `{{link}}` and other merge fields; line breaks are taken. */
const Template = z
  .string()
  .min(1)
  .max(4_000)
  .regex(text, 'takes no control characters but line breaks')
  .refine((given) => given.isWellFormed(), 'is no text');

const Sender = z.strictObject({
  email: z.email().max(320),
  password: z.string().min(1).max(1_000),
});

const channelFields = {
  enabled: z.boolean().describe('false: nothing is sent, and what comes is skipped.'),
  ziikUrl: bareUrl("Base URL of the tenant's Ziik, without `/api`."),
  sender: Sender.describe('The Ziik user that the messages come from. Tried at Ziik before it is stored.'),
  intake: z.enum(['hook', 'poll']).describe('hook: Learningbank calls edge; poll: edge asks Learningbank.'),
  conversations: z
    .enum(['auto', 'new', 'old'])
    .describe("Which behaviour of Ziik's conversations to count on; auto: found out."),
  defaultLanguage: Language.describe('Of the text, where there is none in the language of the receiver.'),
  maxAgeS: z.int().min(60).max(604_800).describe("Nothing older, by Learningbank's time, is sent."),
  quiet: z.boolean().describe('true: notifications wait until it is false again.'),
  quietDuringRuns: z.boolean().describe('Notifications wait while a first sync or another run is applied.'),
};

export const PutChannel = z.strictObject({
  ...channelFields,
  enabled: channelFields.enabled.default(true),
  intake: channelFields.intake.default('hook'),
  conversations: channelFields.conversations.default('auto'),
  defaultLanguage: channelFields.defaultLanguage.default('en'),
  maxAgeS: channelFields.maxAgeS.default(86_400),
  quiet: channelFields.quiet.default(false),
  quietDuringRuns: channelFields.quietDuringRuns.default(true),
});
export type PutChannel = z.infer<typeof PutChannel>;

export const ChangeChannel = z
  .strictObject(channelFields)
  .partial()
  .refine((edit) => Object.values(edit).some((value) => value !== undefined), 'names nothing to change')
  .meta({ minProperties: 1 });
export type ChangeChannel = z.infer<typeof ChangeChannel>;

/** How the chat of an integration is doing. */
export const ChannelStatus = z.object({
  integration: Uuid,
  state: z
    .enum(['off', 'idle', 'working', 'quiet', 'stopped'])
    .describe('off: switched off; idle: nothing was sent yet; quiet: what comes waits; stopped: see the code.'),
  code: Code.nullable(),
  message: z.string().nullable(),
  queued: z.int().describe('Notifications on their way.'),
  held: z.int().describe('Notifications that wait because it is quiet.'),
  oldestQueuedMs: z.number().nullable().describe('When the oldest that is on its way or waits came in, Unix ms.'),
});
export type ChannelStatus = z.infer<typeof ChannelStatus>;

export const Channel = z.object({
  integration: Uuid,
  version: z.int().describe('The ETag.'),
  enabled: z.boolean(),
  ziikUrl: z.string(),
  sender: z.object({ id: z.int().describe('Ziik user id.'), name: z.string().nullable() }),
  intake: z.enum(['hook', 'poll']),
  hookPath: z.string().describe('Path at edge that Learningbank has to call.'),
  oldHookSecretUntil: Instant.nullable().describe('Until then the secret before the last rotation is taken too.'),
  conversations: z.enum(['auto', 'new', 'old']),
  defaultLanguage: z.string(),
  maxAgeS: z.int(),
  quiet: z.boolean(),
  quietDuringRuns: z.boolean(),
  since: Instant.describe('Nothing that happened before is sent.'),
  changedBy: z.string().nullable(),
  changedAt: Instant,
  lastReceivedAt: Instant.nullable().describe('When edge last had a notification.'),
  intakeCode: Code.nullable().describe('Why edge gets none.'),
  status: ChannelStatus,
});
export type Channel = z.infer<typeof Channel>;

/** A channel as it is now. `hookSecret` is only there when it was made just now, and is not shown again. */
export const ChannelSet = z.object({
  channel: Channel,
  hookSecret: z.string().nullable(),
  findings: z.array(Finding),
});
export type ChannelSet = z.infer<typeof ChannelSet>;

export const ChannelVerification = z.object({
  ok: z.boolean().describe('No finding is an error.'),
  findings: z.array(Finding),
});

export const RotateHookSecret = z.strictObject({
  keepOldS: z
    .int()
    .min(0)
    .max(604_800)
    .default(86_400)
    .describe('How long the old secret is taken besides; 0: it has leaked.'),
});

export const HookSecret = z.object({
  hookSecret: z.string().describe('It is not shown again.'),
  oldHookSecretUntil: Instant.nullable(),
  version: z.int().describe('Of the channel.'),
});

export const NotificationType = z.object({
  type: z.string(),
  name: z.string().nullable().describe("Learningbank's; null: it does not name this type, or was not asked yet."),
  mandatory: z.boolean(),
  enabledInLearningbank: z.boolean().nullable().describe('null: not known. What is off there never comes here.'),
  body: z.string().nullable().describe("Learningbank's own text, used where we have none."),
  enabled: z.boolean().describe('Ours: off = skipped.'),
  texts: z.record(z.string(), z.string()).describe('Ours: language to text.'),
  fields: z.array(z.string()).describe('Merge fields that a text of this type may use.'),
  version: z.int().describe('The ETag; 0: never changed here.'),
  changedBy: z.string().nullable(),
  changedAt: Instant.nullable(),
});
export type NotificationType = z.infer<typeof NotificationType>;

export const ChangeNotificationType = z
  .strictObject({
    enabled: z.boolean().optional(),
    texts: z
      .record(TextLanguage, Template.nullable())
      .refine((texts) => Object.keys(texts).length <= 50, 'takes 50 languages at most')
      .optional()
      .describe('Language to text, the empty one for all others; null removes that language; languages left out stay.'),
  })
  .refine((edit) => edit.enabled !== undefined || edit.texts !== undefined, 'names nothing to change')
  .meta({ minProperties: 1 });

export const ChangedNotificationType = z.object({
  notificationType: NotificationType,
  warnings: z.array(z.string()).describe('Merge fields that this type does not have: they would be left out.'),
});

export const Preview = z.strictObject({
  language: Language.optional().describe('Of the receiver; default: that of the channel.'),
  text: Template.optional().describe('Instead of the text in force.'),
  fields: z
    .record(z.string().max(100), z.string().max(2_000))
    .refine((fields) => Object.keys(fields).length <= 100, 'takes 100 fields at most')
    .optional()
    .describe('Values of merge fields; those left out are filled with samples.'),
});

export const Previewed = z.object({
  text: z.string(),
  warnings: z.array(z.string()),
  from: z.enum(['given', 'own', 'learningbank', 'fallback']).describe('Whose text it is.'),
  usedLanguage: z.string().nullable().describe('Of our own text; null: it is none of ours.'),
});

export const TestNotification = z.strictObject({
  person: SourceId,
  type: NotificationTypeKey.optional().describe('Its text, with samples; left out: a line that says it is a test.'),
});

export const notificationStates = ['queued', 'sending', 'unknown', 'sent', 'skipped', 'expired', 'failed'] as const;
export const NotificationStateName = z.enum(notificationStates);

/** A row of the ledger: at most one message for ever. */
export const Notification = z.object({
  no: z.int(),
  id: z.string().describe("Learningbank's notification id."),
  type: z.string(),
  receiver: z.string().describe('Learningbank user id.'),
  person: z.string().nullable().describe('Source id; null: nobody was found yet.'),
  name: z.string().nullable(),
  state: NotificationStateName,
  code: Code.nullable(),
  attempts: z.int(),
  isTest: z.boolean(),
  occurredAt: Instant,
  receivedAt: Instant,
  nextAt: Instant.nullable().describe('When it is tried next; null: it has ended.'),
  endedAt: Instant.nullable(),
  language: z.string().nullable(),
  warnings: z.array(z.string()),
  conversation: z.int().nullable(),
  messages: z.array(z.int()).describe('Ids of the messages at Ziik.'),
});
export type Notification = z.infer<typeof Notification>;

/** A person whom the sender has written to. */
export const Conversation = z.object({
  person: z.string(),
  name: z.string().nullable(),
  conversation: z.int(),
  sent: z.int().describe('Notifications that were sent.'),
  lastType: z.string(),
  lastState: NotificationStateName,
  lastCode: Code.nullable(),
  lastAt: Instant,
});
export type Conversation = z.infer<typeof Conversation>;

/** What was written, oldest first; read at Ziik for this answer and kept nowhere. */
export const ConversationDetail = z.object({
  person: z.string(),
  name: z.string().nullable(),
  conversation: z.int().nullable().describe('null: there is none yet.'),
  messages: z.array(
    z.object({
      id: z.int(),
      at: Instant,
      from: z.enum(['sender', 'person', 'other']),
      text: z.string().describe('Empty when it was deleted.'),
      deleted: z.boolean(),
    }),
  ),
});
export type ConversationDetail = z.infer<typeof ConversationDetail>;
