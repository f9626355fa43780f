import { createClient, type Client, type Notification } from '@orgstream/control-api';
import { until } from '@orgstream/testkit';
import {
  connect,
  notify,
  readChat,
  signAssertion,
  type ChatConversation,
  type Connected,
  type ConnectOptions,
  type Notified,
  type Notify,
} from '@orgstream/world';
import type { Scene } from './scene.ts';
import { openSmallScene, type SmallScene } from './small-site.ts';

/** What chat and login add to a scene: both directions between Ziik and Learningbank. */
export interface Chat {
  readonly connected: Connected;
  readonly api: Client;
  /** Learningbank user id of a person. */
  userId(personId: string): Promise<number>;
  /** Learningbank notifies a person, by its own hook. */
  notify(personId: string, notification?: Partial<Notify>): Promise<Notified>;
  /** Rows of the ledger, oldest first. */
  ledger(): Promise<readonly Notification[]>;
  /** The row of a notification, once it is in this state. */
  waitLedger(id: number, state: Notification['state']): Promise<Notification>;
  /** Everything in this Ziik's chat. */
  chat(): Promise<readonly ChatConversation[]>;
  /** What the sender wrote to a person, in the order it was written. */
  messagesTo(personId: string): Promise<readonly string[]>;
  /** An assertion of this Ziik about a person, for this integration unless `aud` is another. */
  assertion(personId: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Follows a login to edge's answer, and no further. */
  login(assertion: string, to?: string): Promise<LoginAnswer>;
}

/** What edge answered to a login. */
export interface LoginAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly headers: Headers;
  readonly page: string;
}

const soon = { deadlineMs: 90_000, intervalMs: 100 };

/** A small scene with chat and login. */
export type ChatScene = SmallScene & Chat;

/** A small scene, its sender user, its channel and its issuer. */
export async function openChatScene(
  options: Parameters<typeof openSmallScene>[0] &
    ConnectOptions & {
      /** Of the platform, before there is chat. */
      readonly fault?: Readonly<Record<string, unknown>>;
    } = {},
): Promise<ChatScene> {
  const scene = await openSmallScene(options);
  if (options.fault) await scene.fault(options.fault);
  return { ...scene, ...(await connectScene(scene, options)) };
}

/** Gives a scene chat and login; a first sync that is held up is not waited for. */
export async function connectScene(
  scene: Scene,
  options: ConnectOptions & { readonly unsynced?: boolean } = {},
): Promise<Chat> {
  const file = await scene.file();
  const connected = await connect(file, scene.joined, options);
  if (!options.unsynced) await scene.converge();
  const api = createClient({ url: file.controlUrl, token: file.adminToken });
  const params = { integration: scene.joined.integration };
  const ledger = async (): Promise<readonly Notification[]> =>
    (await api.listNotifications({ params, query: { limit: 500 } })).items.toReversed();
  const userId = async (personId: string): Promise<number> => {
    const user = await scene.user(personId);
    if (!user) throw new Error(`person ${personId} is not in Learningbank`);
    return user.id;
  };
  const chat = (): Promise<readonly ChatConversation[]> => readChat(file, scene.siteId);
  return {
    connected,
    api,
    userId,
    notify: async (personId, notification = {}) =>
      notify(file, scene.joined.platform, {
        type: 'module.assigned',
        userId: notification.userId ?? (await userId(personId)),
        fields: { firstName: 'there', moduleName: 'Food safety' },
        ...notification,
      }),
    ledger,
    waitLedger: (id, state) =>
      until(async () => (await ledger()).find((row) => row.id === String(id) && row.state === state), {
        ...soon,
        what: `notification ${id} to be ${state}`,
      }),
    chat,
    messagesTo: async (personId) => textsTo(await chat(), connected.sender.userId, personId),
    assertion: (personId, claims = {}) =>
      signAssertion(file, { siteId: scene.siteId, userId: personId, aud: scene.joined.integration, ...claims }),
    login: (assertion, to) => follow(file.edgeUrl, scene.joined.integration, assertion, to),
  };
}

/** Messages of `from` in the direct conversations with `to`. */
function textsTo(chat: readonly ChatConversation[], from: string, to: string): readonly string[] {
  return chat
    .filter(({ participants }) => [from, to].every((id) => participants.includes(Number(id))))
    .flatMap(({ messages }) => messages)
    .filter(({ authorId }) => authorId === Number(from))
    .map(({ message }) => message);
}

/** GET /login as a browser does it, without going where it leads. */
async function follow(
  edgeUrl: string,
  integration: string,
  assertion: string,
  to: string | undefined,
): Promise<LoginAnswer> {
  const query = new URLSearchParams({ assertion, ...(to === undefined ? {} : { to }) });
  const response = await fetch(`${edgeUrl}/login/${integration}?${query.toString()}`, {
    redirect: 'manual',
    headers: { accept: 'text/html', 'accept-language': 'da' },
  });
  const { status, headers } = response;
  return { status, headers, location: headers.get('location'), page: await response.text() };
}
