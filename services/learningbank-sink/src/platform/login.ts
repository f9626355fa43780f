import {
  createLearningbankClient,
  parseCredentials,
  type CallResult,
  type Credentials,
  type PlatformIdentity,
} from '@orgstream/clients';
import { type Knex, openSecret } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';

/** Opens an integration's sealed credentials. Throws SECRET_UNREADABLE, also when the sealed text is not credentials. */
export async function readCredentials(db: Knex, secrets: SecretBox, secretId: string): Promise<Credentials> {
  return parseCredentials(await openSecret(db, secrets, secretId));
}

/** `host#platform id`: one platform, however many integrations and credentials lead to it. */
function platformKey(baseUrl: string, identity: Pick<PlatformIdentity, 'id'>): string {
  return `${new URL(baseUrl).host}#${identity.id}`;
}

/** Proves the credentials and names the platform they belong to. */
export async function resolvePlatform(options: {
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly timeoutMs: number;
  readonly onCall: (call: CallResult) => void;
}): Promise<string> {
  return platformKey(options.baseUrl, await createLearningbankClient(options).login());
}
