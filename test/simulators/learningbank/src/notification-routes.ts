import { z } from 'zod';
import type { RouteSpec } from './exchange.ts';
import { deliver, type Notification } from './notification-store.ts';
import type { Platform } from './platform.ts';
import { bodies, parse } from './validate.ts';

const After = z.object({
  after: z.coerce.number().int().min(0).default(0),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
});

/** `/notification-types` and the list to poll. */
export const notificationRoutes: readonly RouteSpec[] = [
  {
    method: 'get',
    path: '/notification-types',
    run: ({ platform }) => ({ status: 200, body: { data: [...platform.notifications.types.values()] } }),
  },
  {
    method: 'patch',
    path: '/notification-types/:key',
    run: ({ platform, params, body }) => {
      const { channels } = parse(bodies.notificationType, body);
      return { status: 200, body: { data: platform.notifications.update(params['key'] ?? '', channels) } };
    },
  },
  {
    method: 'get',
    path: '/notifications',
    run: ({ platform, query }) => {
      const { after, pageSize } = parse(After, query);
      return { status: 200, body: { data: platform.notifications.after(after, pageSize) } };
    },
  },
];

/** Body of `POST /_sim/notifications`. */
export const NotifyInput = z.strictObject({
  platform: z.int().optional(),
  type: z.string(),
  userId: z.int(),
  occurredAt: z.iso.datetime({ offset: true }).optional(),
  fields: z.record(z.string(), z.string()).default({}),
  link: z.string().nullable().default(null),
  /** Deliver this often: a hook may be called twice for one notification. */
  deliveries: z.int().min(0).default(1),
});

/** Learningbank notifies somebody: listed, and sent to the platform's hook if it has one. */
export async function notify(
  platform: Platform,
  input: z.infer<typeof NotifyInput>,
): Promise<{ notification: Notification | null; hookStatuses: number[] }> {
  const { userId, type, fields, link } = input;
  const user = platform.users.get(userId);
  const occurredAt = input.occurredAt ?? platform.clock.iso();
  const receiver = { userId, email: user.email };
  const notification = platform.notifications.notify({ type, occurredAt, receiver, fields, link });
  const hookStatuses: number[] = [];
  const { hook } = platform.notifications;
  for (let n = 0; hook && notification && n < input.deliveries; n += 1) {
    hookStatuses.push(await deliver(hook, notification, platform.clock.now()));
  }
  return { notification, hookStatuses };
}
