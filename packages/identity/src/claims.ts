import { z } from 'zod';

/** Longest life of an assertion, seconds. */
const maxLifeS = 60;

const visible = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const seconds = z.number().int().positive().max(100_000_000_000);

const Claims = z.object({
  iss: z.string().min(1).max(512),
  sub: visible,
  aud: z.string(),
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  jti: visible,
  email: z
    .string()
    .min(3)
    .max(254)
    .regex(/^[^\p{Cc}\s]+$/u)
    .nullish(),
});
export type Claims = z.infer<typeof Claims>;

/** Why claims are refused: a closed set, fit for a log. */
export type ClaimsRefusal = 'claims' | 'audience' | 'lifetime' | 'future' | 'expired';

/** Takes the claims of a signed assertion apart; the refusal when they do not hold. Pure. `nowS`: Unix seconds. */
export function readClaims(
  payload: unknown,
  { audience, nowS, skewS }: { readonly audience: string; readonly nowS: number; readonly skewS: number },
): Claims | ClaimsRefusal {
  const parsed = Claims.safeParse(payload);
  if (!parsed.success) return 'claims';
  const claims = parsed.data;
  // A list could name us beside others, who could then pass the assertion on to us.
  if (claims.aud !== audience) return 'audience';
  if (claims.exp <= claims.iat || claims.exp - claims.iat > maxLifeS) return 'lifetime';
  if (claims.iat > nowS + skewS || (claims.nbf ?? 0) > nowS + skewS) return 'future';
  if (claims.exp <= nowS - skewS) return 'expired';
  return claims;
}
