import { AppError } from '@orgstream/core';
import { createToken, holdIssuer, isAdministrator, revokeToken, tenantsOfPerson } from '@orgstream/database';
import { burnJti, verifyAssertion, type Assertion } from '@orgstream/identity';
import type { Deps } from '../deps.ts';
import type { Handlers } from '../http/request.ts';

type Mine = 'createSession' | 'endSession';

const SESSION_MS = 3_600_000;

/** Ziik's administrators sign in with an assertion of their Ziik; what they may is said in access.ts. */
export function sessionHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db, issuers, audience } = deps;
  return {
    async createSession({ body, note }) {
      const assertion = await verifyAssertion(body.assertion, { audience, issuers });
      await burnJti(db, assertion);
      if (assertion.issuer.product !== 'ziik') {
        throw new AppError('ISSUER_UNKNOWN', 'signing in: only a Ziik says who administers it');
      }
      const person = assertion.sub;
      const tenant = await tenantOf(deps, assertion);
      note({ tenant, object: { person } });
      if (tenant === null || !(await isAdministrator(db, { tenant, person }))) {
        throw new AppError('ADMIN_REQUIRED', 'signing in: only administrators of a Ziik that is integrated may');
      }
      const expiresAt = new Date(Date.now() + SESSION_MS);
      const made = await db.transaction(async (tx) => {
        if (!(await holdIssuer(tx, assertion.iss))) {
          throw new AppError('ISSUER_UNKNOWN', 'signing in: the issuer has just been taken away');
        }
        return createToken(tx, {
          name: `administrator ${person} of ${tenant}`,
          role: 'admin',
          tenants: [tenant],
          expiresAt,
          person: { tenant, id: person },
          by: assertion.iss,
        });
      });
      note({ object: { person, token: made.id } });
      return { status: 201, body: { token: made.secret, expiresAt: expiresAt.toISOString(), tenant, person } };
    },

    async endSession({ caller, note }) {
      if (caller.person === null || caller.tokenId === null) {
        throw new AppError('ACTION_NOT_POSSIBLE', 'this token is no session: revoke it, if it is to end');
      }
      note({ tenant: caller.person.tenant, object: { person: caller.person.id } });
      await revokeToken(db, caller.tokenId, { within: null });
      return { status: 204 };
    },
  };
}

/**
 * The tenant that the issuer may speak for. Of an issuer for a whole source it is the one tenant that knows the person;
 * where the assertion names an e-mail it has to be that person's: an id alone could be another site's.
 */
async function tenantOf({ db }: Deps, { issuer, sub, email }: Assertion): Promise<string | null> {
  if (issuer.tenant !== null) return issuer.tenant;
  const [found, second] = await tenantsOfPerson(db, { source: issuer.source, person: sub });
  if (!found || second) return null;
  const isSame = email === null || found.email?.trim().toLowerCase() === email.trim().toLowerCase();
  return isSame ? found.tenant : null;
}
