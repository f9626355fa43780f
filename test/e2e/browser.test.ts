import { deactivate } from '@orgstream/simulator-ziik';
import { findChromium, openBrowser, type Browser, type Page } from '@orgstream/world/browser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChatScene, type ChatScene } from './chat-scene.ts';

/** What people see: a browser goes from Ziik's menu, and from a link in a chat, through edge into Learningbank. */
const chromium = findChromium();
if (chromium === undefined) console.warn('SKIPPED: the browser tests need Chromium, and there is none (Debian: apt-get install chromium)'); // prettier-ignore

describe.skipIf(chromium === undefined)('in a browser', () => {
  let scene: ChatScene;
  let browser: Browser;
  let site: string;

  beforeAll(async () => {
    [scene, browser] = await Promise.all([openChatScene(), openBrowser(chromium!)]);
    site = `${(await scene.file()).ziikSimUrl}/s/${scene.siteId}`;
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.[Symbol.asyncDispose]();
  });

  /** A browser of somebody's own: no cookies but theirs. */
  async function openAs(personId: string, path: 'menu' | 'chat'): Promise<Page> {
    const context = await browser.newContext({ locale: 'da-DK' });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    await page.goto(`${site}/${path}?user=${personId}`);
    return page;
  }

  test('the shortcut in Ziik’s menu opens Learningbank, which greets by name', async () => {
    const { name } = await scene.api.getIntegration({ params: { integration: scene.joined.integration } });
    const page = await openAs(scene.person('ida'), 'menu');
    await page.getByRole('link', { name }).first().click();
    await page.getByText('Welcome, Ida').waitFor();
    expect(new URL(page.url()).pathname).toContain(new URL(scene.joined.platform.url).pathname.replace('/api/v1', ''));
    expect(page.url()).not.toContain('token');
    await page.context().close();
  });

  test('a Learningbank link in a chat message opens that very page, logged in', async () => {
    const omar = scene.person('omar');
    const link = `${scene.joined.platform.url.replace('/api/v1', '')}/courses/12`;
    const { notification } = await scene.notify(omar, { fields: { firstName: 'Omar' }, link });
    await scene.waitLedger(notification!.id, 'sent');
    const page = await openAs(omar, 'chat');
    await page.getByRole('link', { name: link, exact: true }).click();
    await page.getByRole('heading', { name: 'Course 12' }).waitFor();
    expect(await page.locator('body').innerText()).toContain('Omar');
    await page.context().close();
  });

  test('back and forward again: the link is used up, and Learningbank still knows who it is', async () => {
    const { name } = await scene.api.getIntegration({ params: { integration: scene.joined.integration } });
    const page = await openAs(scene.person('pia'), 'menu');
    await page.getByRole('link', { name }).first().click();
    await page.getByText('Welcome, Pia').waitFor();
    await page.goBack();
    await page.getByRole('link', { name }).first().click();
    await page.getByText('Welcome, Pia').waitFor();
    await page.context().close();
  });

  test('somebody who has left sees a plain page in Danish that says what to do, and no Learningbank', async () => {
    const jan = scene.person('jan');
    const { name } = await scene.api.getIntegration({ params: { integration: scene.joined.integration } });
    // The menu was open when Jan left.
    const page = await openAs(jan, 'menu');
    await deactivate(scene.ziik, scene.siteId, jan);
    await scene.converge();
    await page.getByRole('link', { name }).first().click();
    await page.getByRole('heading', { name: 'Din konto er ikke aktiv' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('da');
    const text = await page.locator('body').innerText();
    expect(text).toContain('LOGIN_PERSON_INACTIVE');
    expect(text).not.toContain('Welcome');
    expect(await page.locator('script').count()).toBe(0);
    await page.context().close();
  });
});
