import { createDatabase, type Knex } from '@orgstream/database';
import type { Running, SinkContext } from '../../reconcile/fixture.ts';

/** A reconciler that can die: whatever it has begun, nothing more of it reaches the database. */
export interface Mortal {
  readonly running: Running;
  /** Without a last word: leases are kept, calls under way reach the target and nobody learns of their answers. */
  crash(): Promise<void>;
  /** Ends as a deployment ends it. */
  stop(): Promise<void>;
}

export const callTimeoutMs = 800;

let count = 0;

export function startMortal(ctx: SinkContext): Mortal {
  const name = `mortal-${process.pid}-${(count += 1)}`;
  const db = createDatabase(ctx.database.url, { max: 10, name });
  const life = { over: false };
  const running = ctx.start({ leaseMs: 1_000, callTimeoutMs }, untilDeath(db, life));
  const stop = async (): Promise<void> => {
    await running.stop();
    await db.destroy();
  };
  return {
    running,
    stop,
    async crash() {
      life.over = true;
      await ctx.db.raw(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ?`, [name]);
      // What it still does, it does into the void; its end is not waited for.
      void stop().catch(() => {});
    },
  };
}

/** The pool, as long as its process lives. */
function untilDeath(db: Knex, life: { readonly over: boolean }): Knex {
  return new Proxy(db, {
    get(target, property, receiver) {
      if (life.over) throw new Error('the process is dead');
      const value: unknown = Reflect.get(target, property, receiver);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
