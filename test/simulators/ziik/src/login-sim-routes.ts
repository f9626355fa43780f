import type { Router } from 'express';
import { z } from 'zod';
import type { ApiState } from './api/exchange.ts';
import { AssertionInput, signAssertion } from './login/assertions.ts';
import { EdgeConfig, setEdge } from './login/edge.ts';
import { publishedKeys, rotateKeys } from './login/keys.ts';

const Id = z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String);
const Edge = EdgeConfig.extend({ siteId: Id });
const Keys = z.strictObject({
  siteId: Id,
  rotate: z.boolean().default(false),
  alg: z.enum(['EdDSA', 'RS256']).default('EdDSA'),
  /** With `rotate`: the keys before are published no longer. */
  dropOld: z.boolean().default(false),
});

/** Where the pages lead, the keys of a site, and assertions of any kind. */
export function loginSimRoutes(router: Router, { db, clock, url }: ApiState): void {
  router.post('/edge', async (req, res) => {
    const { siteId, ...edge } = Edge.parse(req.body);
    await setEdge(db, siteId, edge);
    res.status(204).end();
  });
  router.post('/keys', async (req, res) => {
    const { siteId, rotate, alg, dropOld } = Keys.parse(req.body);
    if (rotate) await rotateKeys(db, siteId, { alg, dropOld });
    res.json({ iss: `${url()}/s/${siteId}`, ...(await publishedKeys(db, siteId)) });
  });
  router.post('/assertions', async (req, res) => {
    const input = AssertionInput.parse(req.body);
    const signed = { issuer: `${url()}/s/${input.siteId}`, nowMs: clock.now() };
    res.json({ assertion: await signAssertion(db, input, signed) });
  });
}
