import { isAppError } from '@orgstream/core';
import { settingNames, type SettingName } from '../settings.ts';
import type { Check } from './check.ts';
import { broken, ok, warning, type Finding } from './finding.ts';

const remedies: Readonly<Record<SettingName, string>> = {
  ORGSTREAM_URL: 'export ORGSTREAM_URL=https://<control>',
  ORGSTREAM_TOKEN:
    'export ORGSTREAM_TOKEN=<token>; the first one comes from `orgstream token create --local --name first`',
  DATABASE_URL: 'export DATABASE_URL=postgres://<user>:<password>@<host>/<database>, or start `npm run dev`',
  KAFKA_BROKERS: 'export KAFKA_BROKERS=<host:port,…>',
  REGISTRY_URL: 'export REGISTRY_URL=http://<host:port>',
  ORGSTREAM_SECRET_KEY: 'export ORGSTREAM_SECRET_KEY=<key id>:<64 hex digits>, that of the services',
};
/** Only operators on a machine near the databases have the others; who has none of them is told by the checks. */
const forControl: readonly SettingName[] = ['ORGSTREAM_URL', 'ORGSTREAM_TOKEN'];

/** Every setting is there and well-formed; values are never shown. */
export const settingsCheck: Check = {
  area: 'settings',
  deadlineMs: 1_000,
  remedy: 'try again',
  run: ({ settings }) => {
    const findings = settingNames.flatMap((name): readonly Finding[] => {
      if (!settings.has(name)) {
        const judge = forControl.includes(name) ? warning : broken;
        return [judge(`${name} is missing`, remedies[name], 'CONFIG_INVALID')];
      }
      try {
        settings.read(name);
        return [];
      } catch (error) {
        if (!isAppError(error)) throw error;
        return [broken(`${name} is malformed`, remedies[name], 'CONFIG_INVALID')];
      }
    });
    return Promise.resolve(findings.length > 0 ? findings : [ok(`all ${settingNames.length} are there`)]);
  },
};
