import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a signature's time may be from ours, both ways. */
export const windowS = 300;

/** Signatures in one header, at most: more gain nobody but who guesses. */
const maxSignatures = 4;

interface Signature {
  /** As it was written: it is part of what is signed. */
  readonly t: string;
  readonly macs: readonly Buffer[];
}

/** `X-Learningbank-Signature: t=<unix seconds>,v1=<hex>`, one spelling only; undefined when it is anything else. */
function parseSignature(header: string | undefined): Signature | undefined {
  if (header === undefined || header.length > 1_000) return undefined;
  const [t, ...signatures] = header.split(',');
  const time = /^t=([1-9][0-9]{0,11})$/.exec(t ?? '')?.[1];
  if (time === undefined || signatures.length === 0 || signatures.length > maxSignatures) return undefined;
  const macs = signatures.map((one) => /^v1=([0-9a-f]{64})$/.exec(one)?.[1]);
  if (macs.includes(undefined)) return undefined;
  return { t: time, macs: macs.map((hex) => Buffer.from(hex!, 'hex')) };
}

/** No hook was ever given this one: it keeps the work the same where there is no secret, and lets nobody in. */
const noSecret = Buffer.alloc(32);

/**
 * Whether a body was signed with the secret, or with the one before it, within the window. The same work is done
 * whatever is wrong, also for an integration without a secret: how long it takes tells nobody which it was.
 */
export function isSigned(delivery: {
  readonly header: string | undefined;
  readonly body: Uint8Array;
  readonly secret: string | undefined;
  readonly oldSecret?: string | undefined;
  readonly nowMs: number;
}): boolean {
  const { header, body, secret, oldSecret, nowMs } = delivery;
  const signature = parseSignature(header) ?? { t: '0', macs: [noSecret] };
  const timely = Math.abs(Number(signature.t) - nowMs / 1_000) <= windowS;
  let fits = false;
  for (const candidate of [secret, oldSecret]) {
    const right = createHmac('sha256', candidate ?? noSecret)
      .update(`${signature.t}.`)
      .update(body)
      .digest();
    for (const mac of signature.macs) fits = (timingSafeEqual(mac, right) && candidate !== undefined) || fits;
  }
  return fits && timely;
}
