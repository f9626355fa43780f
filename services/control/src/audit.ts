import { finishAudit, insertAudit } from '@orgstream/database';
import type { Deps } from './deps.ts';
import type { AuditNote, Caller } from './http/request.ts';
import type { Metrics } from './metrics.ts';

/** A line of the audit that is being written. */
export interface OpenAudit {
  note(note: AuditNote): void;
  /** `ok`, or the code it was refused with. */
  close(outcome: string): Promise<void>;
}

/**
 * The line is there before the change is made, with the outcome `under way`: a crash between the two leaves a trace. An
 * outcome that cannot be written is logged and counted; the change stands.
 */
export async function openAudit(
  { deps, metrics }: { readonly deps: Pick<Deps, 'db' | 'log'>; readonly metrics: Metrics },
  { action, caller, requestId }: { readonly action: string; readonly caller: Caller; readonly requestId: string },
): Promise<OpenAudit> {
  const actor = { actor: caller.name, tokenId: caller.tokenId, action, requestId };
  const no = await insertAudit(deps.db, { ...actor, outcome: 'under way' });
  let noted: AuditNote = {};
  return {
    note: (note) => void (noted = { ...noted, ...note }),
    async close(outcome) {
      try {
        await finishAudit(deps.db, no, { ...noted, outcome });
        metrics.audited(outcome === 'ok' ? 'ok' : 'refused');
      } catch (error) {
        metrics.audited('lost');
        deps.log.error({ err: error, requestId, action, outcome }, 'the outcome of a change is not in the audit');
      }
    },
  };
}
