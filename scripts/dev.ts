/**
 * `npm run dev`: stack, simulators and services, with an empty Ziik; writes `.orgstream/stack.json` when all is ready
 * and keeps everything running until Ctrl-C. A service that dies is restarted.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startWorld } from '@orgstream/world';
import { aborted, stopSignal } from './shutdown.ts';

const signal = stopSignal();
const directory = join(import.meta.dirname, '..', '.orgstream');
const stackFile = join(directory, 'stack.json');
const say = (line: string): void => console.log(line);
rmSync(stackFile, { force: true });

{
  await using world = await startWorld({
    directory,
    say,
    rateLimitPerMinute: Number(process.env['RATE_LIMIT_PER_MINUTE'] ?? 300),
  });
  const { ziikPostgresUrl, learningbankUrl, learningbankSimUrl, ziikSimUrl, source, controlUrl, edgeUrl } =
    world.file();
  say(`ready. Everything is in .orgstream/stack.json, logs in .orgstream/logs.
  Ziik database         ${ziikPostgresUrl} (source ${source})
  Ziik simulator        ${ziikSimUrl}/_sim/state
  Learningbank          ${learningbankUrl}
  Learningbank state    ${learningbankSimUrl}/_sim/state
  Edge                  ${edgeUrl} (hooks, logins, shortcuts)
  Admin API             ${controlUrl}/v1/openapi.json (token: adminToken of stack.json)
Make a tenant:    curl -X POST ${ziikSimUrl}/_sim/sites -H 'content-type: application/json' -d '{"units":40,"people":1000,"seed":1}'
Join it:          npm run orgstream -- integration create --tenant ${source}.1 --url ${learningbankUrl} --credentials <file>
Look:             npm run orgstream -- status    npm run orgstream -- doctor
Ctrl-C stops everything.`);
  await aborted(signal);
  say('stopping …');
}
rmSync(stackFile, { force: true });
