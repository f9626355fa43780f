import { createHmac } from 'node:crypto';
import { ApiError, notFound } from './api-error.ts';

interface Channel {
  enabled: boolean;
  subject?: string;
  body: string;
}

export interface NotificationType {
  readonly key: string;
  readonly name: string;
  readonly mandatory: boolean;
  channels: Record<string, Channel>;
}

/** A notification as it is sent to the hook and listed. */
export interface Notification {
  readonly id: number;
  readonly type: string;
  readonly occurredAt: string;
  readonly receiver: { readonly userId: number; readonly email: string | null };
  readonly fields: Readonly<Record<string, string>>;
  readonly link: string | null;
}

/** Where notifications are sent, with the secret they are signed with. */
export interface Hook {
  readonly url: string;
  readonly secret: string;
}

const names: readonly (readonly [key: string, name: string, mandatory: boolean])[] = [
  ['user.activation', 'Activation of users', true],
  ['user.password_reset', 'Reset password', true],
  ['module.assigned', 'Module assigned', false],
  ['module.deadline_reminder', 'Deadline reminder', false],
  ['event.invitation', 'Invitation to an event', false],
  ['event.reminder', 'Reminder of an event', false],
  ['learning_path.assigned', 'Learning path assigned', false],
];

/** Notification types with their channels, and what was notified. */
export class NotificationStore {
  hook: Hook | null = null;
  readonly types = new Map(names.map(([key, name, mandatory]) => [key, typeOf(key, name, mandatory)]));
  readonly sent: Notification[] = [];
  #nextId = 1;

  update(key: string, channels: Record<string, { [K in keyof Channel]?: Channel[K] | undefined }>): NotificationType {
    const type = this.types.get(key);
    if (!type) throw notFound('notification type');
    const next = structuredClone(type.channels);
    for (const [name, set] of Object.entries(channels)) {
      const channel = next[name];
      if (!channel)
        throw new ApiError(422, 'validation_failed', 'No such channel', { fields: { channels: ['unknown'] } });
      if (set.enabled !== undefined) channel.enabled = set.enabled;
      if (set.subject !== undefined) channel.subject = set.subject;
      if (set.body !== undefined) channel.body = set.body;
    }
    if (type.mandatory && !Object.values(next).some((channel) => channel.enabled)) {
      throw new ApiError(422, 'mandatory', 'This notification is always on', { fields: { channels: ['mandatory'] } });
    }
    type.channels = next;
    return type;
  }

  /** Records it; null when the type's Ziik channel is off: Learningbank's own switch decides what leaves. */
  notify(input: Omit<Notification, 'id'>): Notification | null {
    const type = this.types.get(input.type);
    if (!type) throw notFound('notification type');
    if (type.channels['ziik']?.enabled !== true) return null;
    const notification = { id: this.#nextId++, ...input };
    this.sent.push(notification);
    return notification;
  }

  /** Ids are counted up without a gap: the first after `after` is an index. */
  after(after: number, limit: number): readonly Notification[] {
    return this.sent.slice(after, after + limit);
  }
}

/** One delivery to a hook, signed over `t.body`; answers the hook's status, 0 when it could not be reached. */
export async function deliver(hook: Hook, notification: Notification, nowMs: number): Promise<number> {
  const body = JSON.stringify(notification);
  const t = Math.floor(nowMs / 1_000);
  const v1 = createHmac('sha256', hook.secret).update(`${t}.${body}`).digest('hex');
  try {
    const response = await fetch(hook.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Learningbank-Signature': `t=${t},v1=${v1}` },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

function typeOf(key: string, name: string, mandatory: boolean): NotificationType {
  const body = `{{firstName}}: ${name} {{link}}`;
  const channels = {
    email: { enabled: true, subject: name, body },
    push: { enabled: false, body },
    sms: { enabled: false, body },
    ziik: { enabled: false, body },
  };
  return { key, name, mandatory, channels };
}
