import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createClient } from '@orgstream/control-api';
import { generateOrganisation } from '@orgstream/simulator-ziik';
import { join, waitConverged, type Joined } from '@orgstream/world';
import { cpuSeconds, percentiles } from './measure.ts';
import { quantiles, readHistogram } from './prometheus.ts';
import { startRig, type Rig } from './rig.ts';

const SECONDS = Number(process.env['SECONDS'] ?? 15);
const PEOPLE = Number(process.env['PEOPLE'] ?? 500);
const AT_ONCE = Number(process.env['AT_ONCE'] ?? 16);
const ISSUER = 'https://bench.example';

/** Logins one after another, so many at once, each by an assertion of its own, against a Learningbank that is fast. */
export async function login(): Promise<unknown> {
  await using rig = await startRig({
    env: {
      EDGE_REQUESTS_PER_MINUTE: '1000000',
      EDGE_LOGINS_PER_PERSON: '10000',
      EDGE_PLATFORM_CALLS_PER_MINUTE: '1000000',
    },
  });
  const organisation = await generateOrganisation(rig.ziik, {
    seed: 5,
    units: Math.max(5, Math.round(PEOPLE / 40)),
    people: PEOPLE,
    inactive: 0,
    expired: 0,
    withoutEmail: 0,
    sharedEmail: 0,
  });
  const joined = await join(rig.file, organisation.siteId, { name: 'Bench' });
  await waitConverged(rig.file, { deadlineMs: 300_000 });
  const key = await trust(rig, joined);
  // Warm: the first logins compile code and open connections.
  await measure(rig, joined, { key, people: organisation.personIds, seconds: Math.min(3, SECONDS) });
  return await measure(rig, joined, { key, people: organisation.personIds, seconds: SECONDS });
}

/** An issuer whose keys are configured: signing costs the simulator nothing. */
async function trust({ file }: Rig, { tenant }: Joined): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  await createClient({ url: file.controlUrl, token: file.adminToken }).createIssuer({
    body: {
      iss: ISSUER,
      source: file.source,
      tenant,
      jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: x!, kid: 'bench' }] },
    },
  });
  return createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function assertionOf(key: KeyObject, sub: string, aud: string): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: ISSUER, sub, aud, iat, exp: iat + 60, jti: randomUUID() };
  const signed = `${encode({ alg: 'EdDSA', kid: 'bench', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

async function measure(
  { world, file }: Rig,
  { integration }: Joined,
  given: { readonly key: KeyObject; readonly people: readonly string[]; readonly seconds: number },
): Promise<unknown> {
  const edge = world.supervisor.handle('edge')!;
  const cpu = cpuSeconds(edge.pid);
  const before = readHistogram(await edge.metrics(), 'orgstream_edge_login_own_seconds');
  const wholeMs: number[] = [];
  let refused = 0;
  let next = 0;
  const startedMs = performance.now();
  const one = async (): Promise<void> => {
    while (performance.now() - startedMs < given.seconds * 1_000) {
      const person = given.people[next++ % given.people.length]!;
      const begunMs = performance.now();
      const query = new URLSearchParams({ assertion: assertionOf(given.key, person, integration) });
      const response = await fetch(`${file.edgeUrl}/login/${integration}?${query.toString()}`, { redirect: 'manual' });
      await response.arrayBuffer();
      wholeMs.push(performance.now() - begunMs);
      if (response.status !== 302) refused += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const seconds = (performance.now() - startedMs) / 1_000;
  const own = quantiles(readHistogram(await edge.metrics(), 'orgstream_edge_login_own_seconds'), before);
  return {
    logins: wholeMs.length,
    refused,
    atOnce: AT_ONCE,
    requestsPerSecond: Math.round(wholeMs.length / seconds),
    wholeMs: percentiles(wholeMs),
    /** Without Learningbank's answers; from the histogram of edge, so by its buckets. */
    ownMs: own,
    edgeCpuMsPerLogin: Math.round(((cpuSeconds(edge.pid) - cpu) / wholeMs.length) * 100_000) / 100,
  };
}
