import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOnSite, resolveDeepLink } from './deep-link.ts';

const own = new URL('https://acme.learningbankapp.com/');
const shared = new URL('https://lb.example.com:8443/p/7');

describe('a link that leads to a page of the platform', () => {
  test.each([
    [undefined, '/'],
    ['', '/'],
    ['/', '/'],
    ['/courses/12', '/courses/12'],
    ['/courses/12?tab=info&next=%2Fhome#part-2', '/courses/12?tab=info&next=%2Fhome#part-2'],
    ['/kurser/sm%C3%B8r', '/kurser/sm%C3%B8r'],
    ['/a/../b', '/b'],
    ['/search?q=https://evil.example/', '/search?q=https://evil.example/'],
    ['https://acme.learningbankapp.com', '/'],
    ['https://acme.learningbankapp.com/courses/12', '/courses/12'],
    ['https://ACME.Learningbankapp.com:443/courses/12', '/courses/12'],
    ['http://acme.learningbankapp.com/courses/12', '/courses/12'],
    ['https://acme.learningbankapp.com?x=1', '/?x=1'],
  ])('%s → %s', (to, path) => {
    expect(resolveDeepLink(to, own)).toBe(path);
  });

  test.each([
    ['/courses/12', '/courses/12'],
    ['https://lb.example.com:8443/p/7/courses/12', '/courses/12'],
    ['https://lb.example.com:8443/p/7', '/'],
    ['https://lb.example.com:8443/p/7/', '/'],
    ['https://lb.example.com:8443/p/8/../7/courses', '/courses'],
  ])('of a platform below a path: %s → %s', (to, path) => {
    expect(resolveDeepLink(to, shared)).toBe(path);
  });
});

/** Each of these has opened a redirect somewhere. */
const elsewhere: readonly string[] = [
  '//evil.example',
  '///evil.example',
  '////evil.example/%2f..',
  '/\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  ' https://acme.learningbankapp.com/',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  '/./\\evil.example',
  '/%5cevil.example',
  '/%5Cevil.example',
  '/%2fevil.example',
  '/%2Fevil.example',
  '/%252fevil.example',
  '/%252e%252e/admin',
  '/%25252f',
  '/%09/evil.example',
  '/%00',
  '/%0d%0aLocation:%20https://evil.example',
  '/x?%0d%0aLocation:%20https://evil.example',
  '/x?y=%0AX',
  '/x#%0d%0a',
  '/x\r\nLocation: https://evil.example',
  '/x\u2028y',
  '/x\u200By',
  '/x\u202Egnp.exe',
  'evil.example',
  'courses/12',
  '.evil.example',
  '@evil.example',
  ':80',
  '?next=//evil.example',
  '#',
  'https:evil.example',
  'https:/evil.example',
  'https:\\\\evil.example',
  'https:///evil.example',
  'https://evil.example',
  'https://evil.example/acme.learningbankapp.com',
  'https://evil.example?acme.learningbankapp.com',
  'https://evil.example#acme.learningbankapp.com',
  'https://evil.example\\@acme.learningbankapp.com',
  'https://acme.learningbankapp.com@evil.example/',
  'https://acme.learningbankapp.com:pass@evil.example/',
  'https://user@acme.learningbankapp.com/',
  'https://user:pass@acme.learningbankapp.com/',
  'https://@acme.learningbankapp.com/',
  'https://acme.learningbankapp.com%40evil.example/',
  'https://acme.learningbankapp.com%2eevil.example/',
  'https://acme%2elearningbankapp.com/',
  'https://acme.learningbankapp.com.evil.example/',
  'https://acme.learningbankapp.com./',
  'https://evilacme.learningbankapp.com/',
  'https://x.acme.learningbankapp.com/',
  'https://learningbankapp.com/',
  'https://other.learningbankapp.com/',
  'https://acme.learningbankapp.com:8443/',
  'https://acme.learningbankapp.com:80/',
  'http://acme.learningbankapp.com:8080/',
  'http://acme.learningbankapp.com:443/',
  // Homographs and what the parser makes the same letters of.
  'https://\u0430cme.learningbankapp.com/',
  'https://acme.learn\u0131ngbankapp.com/',
  'https://acme\u3002learningbankapp.com/',
  'https://\uff41cme.learningbankapp.com/',
  'https://acme.learningbankapp.com\uff0fevil.example/',
  'https://acme.learningbankapp.com\u2044evil.example/',
  'https://acm\u00ade.learningbankapp.com/',
  'https://xn--cme-7cd.learningbankapp.com/',
  'https://\u24d0cme.learningbankapp.com/',
  'ftp://acme.learningbankapp.com/',
  'javascript://acme.learningbankapp.com/%0aalert(1)',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'vbscript:x',
  'file:///etc/passwd',
  'blob:https://acme.learningbankapp.com/1',
  'view-source:https://acme.learningbankapp.com/',
  'mailto:x@acme.learningbankapp.com',
  'ziik://open',
  'https://',
  'https://[::1]/',
  'https://2130706433/',
  'h\u200Dttps://acme.learningbankapp.com/',
  `/${'a'.repeat(2_048)}`,
];

describe('a link that leads elsewhere, or may', () => {
  test.each(elsewhere)('%j', (to) => {
    expect(resolveDeepLink(to, own)).toBeUndefined();
  });

  test.each([['a', 'b'], 12, null, {}, true].map((to) => [to]))('%j is no link', (to) => {
    expect(resolveDeepLink(to, own)).toBeUndefined();
  });

  test.each([
    'https://lb.example.com:8443/',
    'https://lb.example.com:8443/p/8/courses',
    'https://lb.example.com:8443/p/70/courses',
    'https://lb.example.com:8443/p/7/../8/courses',
    'https://lb.example.com:8443/p/7/%2e%2e/8/courses',
    'https://lb.example.com:8443/p/7/%2e%2e%2f8/courses',
    'https://lb.example.com:8443/p/7//evil.example',
    'https://lb.example.com:8443/p/7/.//evil.example',
    'https://lb.example.com/p/7/courses',
    'http://lb.example.com/p/7/courses',
    'http://lb.example.com:8443/p/7/courses',
  ])('another platform of the same host, or another port: %s', (to) => {
    expect(resolveDeepLink(to, shared)).toBeUndefined();
  });
});

test('whatever is given, what comes out is a path on the site, and the same when it is resolved again', () => {
  const parts = fc.constantFrom('/', '\\', '.', '..', '%2e', '%2f', '%5c', '%25', '@', ':', '//', 'https:', 'http:', 'acme.learningbankapp.com', 'evil.example', '?', '#', '\t', '\n', ' ', 'a', 'ø', '\u3002'); // prettier-ignore
  const anything = fc.oneof(
    fc.array(parts, { maxLength: 8 }).map((all) => all.join('')),
    fc.webUrl(),
    fc.string(),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom(own, shared), (to, site) => {
      const path = resolveDeepLink(to, site);
      if (path === undefined) return;
      expect(path).toMatch(/^\/(?![/\\])/);
      // As Learningbank sends the browser on: appended to its site, or resolved against it.
      const root = site.pathname.replace(/\/$/, '');
      expect(isOnSite(`${site.origin}${root}${path}`, site)).toBe(true);
      expect(new URL(path, site).origin).toBe(site.origin);
      expect(resolveDeepLink(path, site)).toBe(path);
    }),
    { numRuns: 5_000 },
  );
});

describe('a login link', () => {
  test.each([
    ['https://acme.learningbankapp.com/auto-login?token=x', own],
    ['https://lb.example.com:8443/p/7/auto-login?token=x', shared],
  ])('on the site: %s', (url, site) => {
    expect(isOnSite(url, site)).toBe(true);
  });

  test.each([
    ['https://evil.example/auto-login?token=x', own],
    ['http://acme.learningbankapp.com/auto-login', own],
    ['https://acme.learningbankapp.com:444/auto-login', own],
    ['https://acme.learningbankapp.com@evil.example/auto-login', own],
    ['https://u:p@acme.learningbankapp.com/auto-login', own],
    ['https://acme.learningbankapp.com\\@evil.example/', own],
    ['//acme.learningbankapp.com/auto-login', own],
    ['/auto-login', own],
    ['javascript:alert(1)', own],
    ['https://lb.example.com:8443/p/8/auto-login?token=x', shared],
    ['https://lb.example.com:8443/p/7/../8/auto-login', shared],
    ['https://lb.example.com:8443/auto-login', shared],
  ])('elsewhere: %s', (url, site) => {
    expect(isOnSite(url, site)).toBe(false);
  });
});
