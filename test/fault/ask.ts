import type { Scene } from '@orgstream/e2e/scene';
import { until } from '@orgstream/testkit';

/** What became of a command. */
export interface AskedCommand {
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

/** Asks a service for something, by the row it looks for: no other service need be up. */
export async function ask(
  { database }: Pick<Scene, 'database'>,
  addressee: string,
  kind: string,
  payload: object,
): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    'insert into control.command (addressee, kind, payload) values ($1, $2, $3) returning id',
    [addressee, kind, JSON.stringify(payload)],
  );
  return rows[0]!.id;
}

/** Waits until a command has been carried out, or refused. */
export async function waitAsked({ database }: Pick<Scene, 'database'>, id: string): Promise<AskedCommand> {
  return until(
    async () => {
      const { rows } = await database.query<AskedCommand>(
        'select id, state, code, result from control.command where id = $1',
        [id],
      );
      return rows[0]?.state === 'done' || rows[0]?.state === 'failed' ? rows[0] : undefined;
    },
    { deadlineMs: 120_000, intervalMs: 100, what: `command ${id} to end` },
  );
}
