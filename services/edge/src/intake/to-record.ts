import type { Notification } from '@orgstream/clients';
import type { learningbank } from '@orgstream/core';

/** A platform's notification as it goes to Kafka. */
export function toRecord(
  notification: Notification,
  about: {
    readonly tenant: string;
    readonly integration: string;
    readonly via: 'hook' | 'poll';
    readonly nowMs: number;
  },
): learningbank.Notification {
  const { userId, ...fields } = notification;
  return {
    ...fields,
    tenant: about.tenant,
    integrationId: about.integration,
    receivedAtMs: about.nowMs,
    receiver: String(userId),
    via: about.via,
  };
}
