import { reading, writing, type Route } from '../route.ts';

/** Signs in, or has a token replaced. */
const signingIn = (route: string, path: string): Route => ({
  route,
  method: 'POST',
  path,
  write: false,
  mayMiss: false,
  login: true,
});

/** Every path of Ziik's HTTP API that is called; sources: vendors.md §1.5. */
export const routes = {
  authenticate: signingIn('auth.authenticate', '/authenticate'),
  renew: signingIn('auth.renew', '/renew'),
  me: reading('users.current', '/users/current'),
  settings: reading('settings.get', '/settings'),
  users: reading('users.list', '/users'),
  user: (id: number) => reading('users.get', `/users/${id}`, true),
  searchUsers: reading('users.search', '/users/search'),
  memberships: (userId: number) => reading('users.units', `/users/${userId}/units`, true),
  units: reading('units.list', '/units'),
  unit: (id: number) => reading('units.get', `/units/${id}`, true),
  unitTree: reading('units.tree', '/units/tree'),
  userTypes: reading('user_types.list', '/usertypes'),
  conversations: reading('conversations.list', '/conversations', true),
  conversation: (id: number) => reading('conversations.get', `/conversations/${id}`, true),
  /** Without a message, the conversation that is there is used again: not a write. */
  createConversation: { ...writing('conversations.create', 'POST', '/conversations'), write: false },
  createWithMessage: writing('conversations.create_with_message', 'POST', '/conversations'),
  messages: (id: number) => reading('messages.list', `/conversations/${id}/messages`, true),
  postMessage: (id: number) => writing('messages.create', 'POST', `/conversations/${id}/messages`),
};
