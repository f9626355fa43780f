import { html, page, type Html } from '@orgstream/simulator-kit';
import { fullName } from '../api/render-user.ts';
import type { UserRow } from '../api/user-store.ts';
import type { Id } from '../db.ts';
import { style } from './style.ts';
import type { Menu } from './shortcuts.ts';

/** Who looks at a page, of which site. */
export interface Viewer {
  readonly siteId: Id;
  readonly siteName: string;
  readonly user: UserRow;
  readonly menu: Menu;
}

/** A page of the web client: the menu at the left, with the shortcuts this person has. */
export function frame(viewer: Viewer, here: 'menu' | 'chat', content: Html): string {
  const { siteName, user, menu } = viewer;
  const item = (name: string, at: 'menu' | 'chat' | null) =>
    html`<a ${at === here ? html`class="here"` : ''} href="${at === null ? '#' : address(viewer, at)}">${name}</a>`;
  const shortcuts = menu.shortcuts.filter((shortcut) => shortcut.place === 'web-menu');
  const body = html`
    <nav aria-label="Menu">
      <div class="site">${siteName}</div>
      ${item('News', 'menu')} ${item('Chat', 'chat')} ${item('Calendar', null)} ${item('Documents', null)}
      ${shortcuts.length === 0 ? '' : html`<div class="group">Shortcuts</div>`}
      ${shortcuts.map(
        ({ name, integration }) =>
          html`<a class="shortcut" data-integration="${integration}" href="${openAddress(viewer, integration)}"
            >${name}</a
          >`,
      )}
      ${menu.missing.map(({ why }) => html`<div class="note" role="status">A shortcut is not available (${why})</div>`)}
      <div class="me">${fullName(user)}</div>
    </nav>
    <main>${content}</main>
  `;
  return page({ title: `${siteName} · Ziik`, style, body });
}

/** The home screen of the app. */
export function appPage(viewer: Viewer): string {
  const links = (place: string) =>
    viewer.menu.shortcuts
      .filter((shortcut) => shortcut.place === place)
      .map(({ name, integration }) => html`<a class="shortcut" href="${openAddress(viewer, integration)}">${name}</a>`);
  const body = html`<div class="phone">
    <h1>${viewer.siteName}</h1>
    <div class="tiles"><a href="#">News</a><a href="${address(viewer, 'chat')}">Chat</a>${links('app-tile')}</div>
    <div class="bottom">${links('app-shortcuts')}</div>
  </div>`;
  return page({ title: `${viewer.siteName} · Ziik`, style, body });
}

/** The start page of the web client. */
export function menuPage(viewer: Viewer): string {
  const content = html`
    <h1>Good to see you, ${viewer.user.firstName}</h1>
    <div class="card">
      <h2>New opening hours</h2>
      <p>From Monday all shops open at eight.</p>
    </div>
    <div class="card">
      <h2>Summer party</h2>
      <p>Tell your manager who you bring along.</p>
    </div>
  `;
  return frame(viewer, 'menu', content);
}

/** A page that says one thing. */
export function plainPage(siteName: string, text: string): string {
  return page({
    title: 'Ziik',
    style,
    body: html`<main>
      <h1>${siteName}</h1>
      <div class="card"><p>${text}</p></div>
    </main>`,
  });
}

/** Where a page of the site is, for this person. */
export function address({ siteId, user }: Viewer, name: string): string {
  return `/s/${siteId}/${name}?user=${user.id}`;
}

/** Where a click leads: Ziik signs there, and sends the browser to the edge. */
export function openAddress(viewer: Viewer, integration: string, to?: string): string {
  const query = new URLSearchParams({ user: viewer.user.id, integration, ...(to === undefined ? {} : { to }) });
  return `/s/${viewer.siteId}/open?${query.toString()}`;
}
