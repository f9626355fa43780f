import { findChromium, openBrowser, type Browser, type Page } from '@orgstream/world/browser';
import type { Colleague, Stage } from './stage.ts';

/** A real browser: from Ziik's menu, and from a link in a chat. Without Chromium it is said and left out. */
export async function browserLogins(
  stage: Stage,
  person: Colleague,
): Promise<{ readonly ms: number | undefined; readonly held: boolean }> {
  const chromium = findChromium();
  if (chromium === undefined) {
    stage.screen.line(
      '  SKIPPED: no Chromium on this machine, so no browser logs in (Debian: apt-get install chromium)',
    );
    return { ms: undefined, held: true };
  }
  const browser = await openBrowser(chromium);
  try {
    const ms = await fromMenu(stage, browser, person);
    await fromChat(stage, browser, person);
    return { ms, held: true };
  } finally {
    await browser.close();
  }
}

async function openAs({ world, joined }: Stage, browser: Browser, person: Colleague, path: string): Promise<Page> {
  const page = await (await browser.newContext({ locale: 'da-DK' })).newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${world.file().ziikSimUrl}/s/${joined.siteId}/${path}?user=${person.personId}`);
  return page;
}

async function fromMenu(stage: Stage, browser: Browser, person: Colleague): Promise<number> {
  const { name } = await stage.operator.api.getIntegration({ params: { integration: stage.joined.integration } });
  const page = await openAs(stage, browser, person, 'menu');
  const startedMs = performance.now();
  await page.getByRole('link', { name }).first().click();
  await page.getByText(`Welcome, ${person.firstName}`).waitFor();
  const ms = performance.now() - startedMs;
  stage.screen.line(`  Ziik's menu → "${name}" → "Welcome, ${person.firstName}": ${Math.round(ms)} ms, in a browser`);
  await page.context().close();
  return ms;
}

async function fromChat(stage: Stage, browser: Browser, person: Colleague): Promise<void> {
  const page = await openAs(stage, browser, person, 'chat');
  await page.locator('a.learningbank').first().click();
  await page.getByRole('heading', { name: 'Course 12' }).waitFor();
  stage.screen.line(`  a Learningbank link in ${person.firstName}'s chat → "Course 12", logged in`);
  await page.context().close();
}
