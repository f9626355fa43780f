import { describe, expect, test } from 'vitest';
import { factKey, markerKey, parseTenantKey, rejectedKey, subjectOf, tenantKey } from './names.ts';

describe('names', () => {
  test.each([
    ['eu1.42', { source: 'eu1', siteId: '42' }],
    ['a-b.7', { source: 'a-b', siteId: '7' }],
  ])('%s is a tenant key', (key, parts) => {
    expect(parseTenantKey(key)).toEqual(parts);
    expect(tenantKey(parts.source, parts.siteId)).toBe(key);
  });

  test.each(['', 'eu1', 'eu1.', '.42', 'EU1.42', 'eu1.4x', 'eu1.42/users', 'eu1.42.7', '-a.1'])('%j is none', (key) => {
    expect(parseTenantKey(key)).toBeUndefined();
  });

  test('a rejected fact lies beside the fact it stands for, a marker under its own key', () => {
    expect(factKey('eu1.42', 'person', '7')).toBe('eu1.42/person/7');
    expect(rejectedKey('eu1.42', 'person', '7')).toBe('eu1.42/person/7/rejected');
    expect(markerKey('eu1.42', 's', 'end')).toBe('eu1.42/snapshot/s/end');
    expect(subjectOf('ziik.changes', 'ziik.User')).toBe('ziik.changes-ziik.User');
  });
});
