import { createLearningbankClient, type CallResult, type Credentials, type PlatformIdentity } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import { type Knex, readSecret } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';
import { z } from 'zod';

const CredentialsShape = z.object({
  username: z.string().min(1),
  password: z.string().min(1),
  token: z.string().min(1).optional(),
});

/** Opens an integration's sealed credentials. Throws SECRET_UNREADABLE, also when the sealed text is not credentials. */
export async function readCredentials(db: Knex, secrets: SecretBox, secretId: string): Promise<Credentials> {
  const sealed = await readSecret(db, secretId);
  if (!sealed) throw new AppError('SECRET_UNREADABLE', 'reading credentials: the secret is gone');
  let plain: unknown;
  try {
    plain = JSON.parse(secrets.open(sealed));
  } catch (error) {
    // The parser's message would quote the secret.
    if (error instanceof SyntaxError) throw new AppError('SECRET_UNREADABLE', 'reading credentials: not JSON');
    throw error;
  }
  const parsed = CredentialsShape.safeParse(plain);
  if (!parsed.success)
    throw new AppError('SECRET_UNREADABLE', 'reading credentials: username, password, token expected');
  const { token, ...rest } = parsed.data;
  return token === undefined ? rest : { ...rest, token };
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
