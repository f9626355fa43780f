import { expect, test } from 'vitest';
import type { Door, Standing } from './door-store.ts';
import { shortcutsOf } from './shortcuts.ts';

const url = 'https://edge.example/login/1';
const door = (over: Partial<Door> = {}): Door => ({
  id: '1',
  tenant: 'eu1.42',
  source: 'eu1',
  name: 'Academy',
  product: 'sync',
  platformUrl: 'https://acme.learningbankapp.com/api/v1',
  platform: 'acme.learningbankapp.com#1',
  secretId: '2',
  enabled: true,
  sends: true,
  login: { enabled: true, webMenu: true, app: true },
  ...over,
});
const linked: Standing = { known: true, gone: false, language: null, email: null, userId: 5, work: null };
const unlinked: Standing = { ...linked, userId: null };
const left: Standing = { ...linked, gone: true };

const places = (over: Partial<Door>, standing: Standing, source: 'ziik' | 'tamigo' = 'ziik'): readonly string[] =>
  shortcutsOf({ door: door(over), standing, source, url }).map(({ place, behaviour }) => `${place} ${behaviour}`);

const login = { product: 'login' } as const;
const set = (over: Partial<Door['login']>) => ({ login: { enabled: true, webMenu: true, app: true, ...over } });

test.each<[string, Partial<Door>, Standing, readonly string[]]>([
  ['Sync & Login: menu and tile', {}, linked, ['web-menu redirect', 'app-tile in-app']],
  ['Sync & Login: linked people only', {}, unlinked, []],
  ['Login: menu and bottom of the app, for everybody', login, unlinked, ['web-menu redirect', 'app-shortcuts in-app']],
  ['nobody who has left', {}, left, []],
  ['nobody who has left, of Login', login, left, []],
  ['nobody who is not known', login, { ...unlinked, known: false }, []],
  ['login switched off', set({ enabled: false }), linked, []],
  ['not in the menu', set({ webMenu: false }), linked, ['app-tile in-app']],
  ['not in the app', set({ app: false }), linked, ['web-menu redirect']],
  [
    'disabled: login is independent of sync',
    { enabled: false, sends: false },
    linked,
    ['web-menu redirect', 'app-tile in-app'],
  ],
  ['disabled: of Login nothing is left', { ...login, enabled: false }, unlinked, []],
])('%s', (_law, over, standing, expected) => {
  expect(places(over, standing)).toEqual(expected);
});

test('Tamigo has its menu only', () => {
  expect(places({}, linked, 'tamigo')).toEqual(['web-menu redirect']);
});

test('the label is the name of the integration, the address is the login', () => {
  const [first] = shortcutsOf({ door: door(), standing: linked, source: 'ziik', url });
  expect(first).toEqual({ name: 'Academy', url, place: 'web-menu', behaviour: 'redirect' });
});
