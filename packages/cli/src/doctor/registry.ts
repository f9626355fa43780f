import { checkSchemas, registryOf } from '@orgstream/kafka';
import { RegistryConfig } from '@orgstream/runtime';
import type { Check } from './check.ts';
import { broken, ok } from './finding.ts';

/** The schema registry: reachable, every schema registered. */
export const registryCheck: Check = {
  area: 'registry',
  deadlineMs: 12_000,
  remedy: 'check the registry and REGISTRY_URL',
  async run({ settings }) {
    const reports = await checkSchemas(registryOf(settings.readAll(RegistryConfig)));
    const missing = reports.filter(({ state }) => state === 'new' || state === 'changed');
    const bad = reports.filter(({ state }) => state === 'incompatible');
    const names = (list: typeof reports): string => list.map(({ subject }) => subject).join(', ');
    return [
      ok(`${reports.length - missing.length - bad.length} of ${reports.length} schemas are registered`),
      ...(missing.length > 0
        ? [broken(`not registered: ${names(missing)}`, 'orgstream schemas register', 'SCHEMA_NOT_REGISTERED')]
        : []),
      ...(bad.length > 0
        ? [broken(`not compatible: ${names(bad)}`, 'see schemas/README.md', 'SCHEMA_INCOMPATIBLE')]
        : []),
    ];
  },
};
