import { AppError } from '@orgstream/core';
import { z } from 'zod';
import type { Credentials } from './learningbank.ts';

const CredentialsShape = z.object({
  username: z.string().min(1),
  password: z.string().min(1),
  token: z.string().min(1).exactOptional(),
});

/** Reads credentials as they lie in a sealed secret: `{username, password, token?}`. Throws SECRET_UNREADABLE. */
export function parseCredentials(plain: string): Credentials {
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch {
    // The parser's message would quote the secret.
    throw new AppError('SECRET_UNREADABLE', 'reading credentials: not JSON');
  }
  const parsed = CredentialsShape.safeParse(value);
  if (!parsed.success) {
    throw new AppError('SECRET_UNREADABLE', 'reading credentials: username, password and perhaps token expected');
  }
  return parsed.data;
}
