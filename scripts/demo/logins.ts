import { setTimeout as delay } from 'node:timers/promises';
import { deactivate } from '@orgstream/simulator-ziik';
import { signAssertion, waitConverged } from '@orgstream/world';
import { browserLogins } from './browser.ts';
import { colleagues, waitFor, type Colleague, type Stage } from './stage.ts';

/** From Ziik into Learningbank, as people do it, and what is refused. */
export async function logins(
  stage: Stage,
): Promise<{ readonly loginMs: number; readonly loginRefusals: number; readonly loginsHeld: boolean }> {
  const { screen } = stage;
  screen.heading('Login');
  const [ida, , leaver] = await colleagues(stage, 50);
  const shown = await browserLogins(stage, ida!);
  const plain = await timeLogin(stage, ida!);
  screen.line(`  the way through edge and Learningbank takes ${Math.round(plain.ms)} ms without a browser`);
  const refused = [...(await refusals(stage, ida!)), await refuseLeaver(stage, leaver!)];
  return {
    loginMs: Math.round(shown.ms ?? plain.ms),
    loginRefusals: refused.filter(Boolean).length,
    loginsHeld: shown.held && plain.greeted && refused.every(Boolean),
  };
}

interface Door {
  readonly status: number;
  readonly location: string | null;
  readonly page: string;
}

/** One login as a browser asks for it, as far as edge's answer. */
async function knock(stage: Stage, assertion: string, to?: string): Promise<Door> {
  const { world, joined } = stage;
  const query = new URLSearchParams({ assertion, ...(to === undefined ? {} : { to }) });
  const response = await fetch(`${world.file().edgeUrl}/login/${joined.integration}?${query.toString()}`, {
    redirect: 'manual',
  });
  return { status: response.status, location: response.headers.get('location'), page: await response.text() };
}

const assertionOf = ({ world, joined }: Stage, person: Colleague, claims: Readonly<Record<string, unknown>> = {}) =>
  signAssertion(world.file(), {
    siteId: joined.siteId,
    userId: person.personId,
    aud: joined.integration,
    ...claims,
  });

async function timeLogin(stage: Stage, person: Colleague): Promise<{ readonly ms: number; readonly greeted: boolean }> {
  const assertion = await assertionOf(stage, person);
  const startedMs = performance.now();
  const { location } = await knock(stage, assertion);
  if (location === null) return { ms: Number.NaN, greeted: false };
  const landed = await fetch(location, { redirect: 'manual' });
  const ms = performance.now() - startedMs;
  await landed.arrayBuffer();
  return { ms, greeted: landed.status < 400 };
}

/** True = refused, as it has to be. */
async function refusals(stage: Stage, person: Colleague): Promise<readonly boolean[]> {
  const assertion = await assertionOf(stage, person);
  const first = await knock(stage, assertion);
  const nowS = Math.floor(Date.now() / 1_000);
  const used = first.location === null ? undefined : await fetch(first.location, { redirect: 'manual' });
  const link = used && (await fetch(first.location!, { redirect: 'manual' }));
  const tries: readonly (readonly [string, Door | undefined])[] = [
    ['the same assertion again', await knock(stage, assertion)],
    ["Learningbank's link again", link && { status: link.status, location: null, page: 'link_used_or_expired' }],
    [
      'a link to a foreign host',
      await knock(stage, await assertionOf(stage, person), 'https://evil.example/courses/12'),
    ],
    [
      'an expired assertion',
      await knock(stage, await assertionOf(stage, person, { iat: nowS - 600, exp: nowS - 540 })),
    ],
  ];
  return tries.map(([what, door]) => tellRefusal(stage, what, door));
}

function tellRefusal({ screen }: Stage, what: string, door: Door | undefined): boolean {
  const refused = door !== undefined && door.status >= 400 && door.location === null;
  const code = /[A-Z]+(?:_[A-Z]+)+|link_used_or_expired/.exec(door?.page ?? '')?.[0] ?? '';
  screen.line(`  ${refused ? 'refused' : 'LET IN '}  ${what} (${door?.status ?? 'no answer'} ${code})`);
  return refused;
}

/** A leaver is refused while Learningbank still knows nothing of it. */
async function refuseLeaver(stage: Stage, leaver: Colleague): Promise<boolean> {
  const { operator, ziik, joined, world } = stage;
  const params = { integration: joined.integration };
  const pause = async (paused: boolean): Promise<void> => {
    const { generation } = await operator.api.getIntegration({ params });
    await operator.api.changeIntegration({ params, body: { paused }, ifMatch: generation });
  };
  await pause(true);
  await deactivate(ziik, joined.siteId, leaver.personId);
  const door = await waitFor('the leaver to be refused', async () => {
    const seen = await knock(stage, await assertionOf(stage, leaver));
    if (seen.status >= 400) return seen;
    await delay(300);
    return undefined;
  });
  const refused = tellRefusal(stage, 'somebody who has just left, before Learningbank was told', door);
  await pause(false);
  await waitConverged(world.file(), { deadlineMs: 60_000, integrations: [joined.integration] });
  return refused;
}
