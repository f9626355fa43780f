import { describe, expect, test } from 'vitest';
import { Config } from './config.ts';
import { createVendorCheck } from './vendor-hosts.ts';

const refusal = expect.objectContaining({
  code: 'REQUEST_INVALID',
  data: { field: 'ziikUrl' },
  message: 'body: ziikUrl: must be https, on a host that CONTROL_VENDOR_HOSTS names',
});

describe('where hosts are named', () => {
  const check = createVendorCheck('*.ziik.io,API.learningbank.example,xn--bcher-kva.example');

  test.each([
    'https://acme.ziik.io',
    'https://a.b.ziik.io:8443/api',
    'https://ACME.ZIIK.IO/',
    'https://api.learningbank.example/v2',
    'https://bücher.example',
  ])('%s is taken', (url) => {
    expect(() => check('ziikUrl', url)).not.toThrow();
  });

  test.each([
    'http://acme.ziik.io',
    'https://ziik.io',
    'https://.ziik.io',
    'https://evilziik.io',
    'https://acme.ziik.io.evil.example',
    'https://acme.ziik.io@evil.example',
    'https://evil.example/acme.ziik.io',
    'https://evil.example#.ziik.io',
    'https://evil.example\\.ziik.io',
    'https://acme.ziik.io.',
    'https://sub.api.learningbank.example',
    'https://127.0.0.1',
    'https://2130706433',
    'https://[::1]',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost',
  ])('%s is refused, with field and setting', (url) => {
    expect(() => check('ziikUrl', url)).toThrow(refusal);
  });

  test('what is not given is not looked at', () => {
    expect(() => check('ziikUrl', undefined)).not.toThrow();
  });
});

test('where none is named every address is taken', () => {
  expect(() => createVendorCheck('')('ziikUrl', 'http://127.0.0.1:9')).not.toThrow();
});

test.each([
  ['ziik.io', true],
  ['*.ziik.io,api.learningbank.example', true],
  ['127.0.0.1', true],
  ['*', false],
  ['*ziik.io', false],
  ['a.*.io', false],
  ['https://ziik.io', false],
  ['ziik.io:443', false],
  ['ziik.io, learningbank.example', false],
  ['ziik.io,', false],
])('the setting %j is taken: %s', (value, isGood) => {
  expect(Config.shape.CONTROL_VENDOR_HOSTS.safeParse(value).success).toBe(isGood);
});
