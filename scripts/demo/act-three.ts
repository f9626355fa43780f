import { connect, waitConverged, type Joined, type World } from '@orgstream/world';
import type pg from 'pg';
import { logins } from './logins.ts';
import { chatNotifications } from './notifications.ts';
import { Operator } from './operator.ts';
import type { Screen } from './screen.ts';
import { colleagues, type Stage } from './stage.ts';

/** Ours, by the receiver's language; of other types Learningbank's own text is sent. */
const texts = {
  da: 'Hej {{firstName}}! Kurset {{moduleName}} venter på dig: {{link}}',
  en: 'Hi {{firstName}}! The course {{moduleName}} is waiting for you: {{link}}',
};

/** What act three has proved, and where a person may look. */
export interface ActThree {
  readonly notificationsSent: number;
  readonly notificationDuplicates: number;
  readonly loginMs: number;
  readonly loginRefusals: number;
  readonly loginsHeld: boolean;
  readonly urls: readonly (readonly [name: string, url: string])[];
}

/** What people see every day: messages of Learningbank in Ziik's chat, and the way back by one tap. */
export async function chatAndLogin(screen: Screen, world: World, ziik: pg.Pool, joined: Joined): Promise<ActThree> {
  const file = world.file();
  screen.heading('Chat and login');
  const operator = new Operator(file, screen);
  const params = { integration: joined.integration };
  const connected = await connect(file, joined);
  await waitConverged(file, { deadlineMs: 60_000, integrations: [joined.integration] });
  screen.line(
    `  ${joined.tenant} is given a sender, "Academy", a hook that Learningbank calls, and the keys that Ziik signs with`,
  );
  const type = { ...params, type: 'module.assigned' };
  await operator.api.changeNotificationType({
    params: type,
    body: { texts },
    ifMatch: (await operator.api.getNotificationType({ params: type })).version,
  });
  const stage: Stage = { screen, world, ziik, operator, joined, connected };
  const sent = await chatNotifications(stage);
  const login = await logins(stage);
  const [person] = await colleagues(stage, 1);
  const site = `${file.ziikSimUrl}/s/${joined.siteId}`;
  return {
    ...sent,
    ...login,
    urls: [
      ["Ziik's menu", `${site}/menu?user=${person!.personId}`],
      ["Ziik's chat", `${site}/chat?user=${person!.personId}`],
      ['Learningbank', joined.platform.url.replace('/api/v1', '')],
      ['Learningbank state', `${file.learningbankSimUrl}/_sim/state?platform=${joined.platform.id}`],
    ],
  };
}
