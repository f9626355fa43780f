import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '@orgstream/core';

/** Seals and opens secrets with AES-256-GCM; `sealed` = 12 bytes nonce, 16 bytes tag, ciphertext. */
export interface SecretBox {
  seal(plain: string): { readonly keyId: string; readonly sealed: Buffer };
  /** Throws SECRET_UNREADABLE when the key is unknown or the bytes were changed. */
  open(secret: { readonly keyId: string; readonly sealed: Buffer }): string;
}

/** `keys` as in ORGSTREAM_SECRET_KEY: `<key id>:<64 hex digits>`, comma-separated; the first seals, all open (rotation). */
export function createSecretBox(keys: string): SecretBox {
  const byId = new Map(
    keys
      .split(',')
      .map((part) => part.split(':') as [string, string])
      .map(([id, hex]) => [id, Buffer.from(hex, 'hex')]),
  );
  const [sealingId, sealingKey] = [...byId][0]!;
  return {
    seal(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return { keyId: sealingId, sealed: Buffer.concat([nonce, cipher.getAuthTag(), body]) };
    },
    open({ keyId, sealed }) {
      const key = byId.get(keyId);
      if (!key)
        throw new AppError('SECRET_UNREADABLE', `opening a secret: key ${keyId} is not in ORGSTREAM_SECRET_KEY`, {
          keyId,
        });
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
        decipher.setAuthTag(sealed.subarray(12, 28));
        return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new AppError('SECRET_UNREADABLE', `opening a secret: key ${keyId} does not fit`, { keyId, cause });
      }
    },
  };
}
