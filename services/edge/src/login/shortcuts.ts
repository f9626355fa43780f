import type { Door, Standing } from './door-store.ts';

/** A way to Learningbank that the source shows to a person. */
export interface Shortcut {
  readonly name: string;
  readonly url: string;
  readonly place: 'web-menu' | 'app-tile' | 'app-shortcuts';
  readonly behaviour: 'redirect' | 'in-app';
}

/**
 * The shortcuts a person has (semantics.md §2). Who: with *Sync & Login* linked people, with *Learningbank Login* everybody;
 * never who has left. Where: the web menu opens the site; the app has a tile (*Sync & Login*) or a shortcut at the bottom
 * (*Login*), opening in the app; Tamigo has the menu only. Pure.
 */
export function shortcutsOf(options: {
  readonly door: Door;
  readonly standing: Standing;
  readonly source: 'ziik' | 'tamigo';
  /** Address of the login; the source adds the assertion. */
  readonly url: string;
}): readonly Shortcut[] {
  const { door, standing, source, url } = options;
  if (!isOpen(door) || standing.gone || !standing.known) return [];
  if (door.product === 'sync' && standing.userId === null) return [];
  const shortcuts: Shortcut[] = [];
  if (door.login.webMenu) shortcuts.push({ name: door.name, url, place: 'web-menu', behaviour: 'redirect' });
  if (door.login.app && source === 'ziik') {
    const place = door.product === 'sync' ? 'app-tile' : 'app-shortcuts';
    shortcuts.push({ name: door.name, url, place, behaviour: 'in-app' });
  }
  return shortcuts;
}

/**
 * Login is independent of sync: disabling *Sync & Login* stops what is sent and shuts nobody out. *Learningbank Login* is
 * nothing but the login: disabled, it is off.
 */
export function isOpen({ login, product, enabled }: Pick<Door, 'login' | 'product' | 'enabled'>): boolean {
  return login.enabled && (product === 'sync' || enabled);
}
