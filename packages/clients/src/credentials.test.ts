import { expect, test } from 'vitest';
import { parseCredentials } from './credentials.ts';

test('user name and password, and a token where there is one', () => {
  expect(parseCredentials('{"username": "ada", "password": "p"}')).toEqual({ username: 'ada', password: 'p' });
  const withToken = { username: 'ada', password: 'p', token: 't' };
  expect(parseCredentials(JSON.stringify(withToken))).toEqual(withToken);
});

test.each([['secret, but no JSON'], ['{"username": "ada"}'], ['{"username": "ada", "password": ""}'], ['null'], ['']])(
  '%j is not credentials, and is not quoted',
  (plain) => {
    const reading = (): unknown => parseCredentials(plain);
    expect(reading).toThrow(expect.objectContaining({ code: 'SECRET_UNREADABLE' }));
    expect(reading).not.toThrow(/ada|secret, but/);
  },
);
