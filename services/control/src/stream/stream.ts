import { AppError } from '@orgstream/core';
import { isTokenInForce } from '@orgstream/database';
import type { Request, Response } from 'express';
import { maySee, requireIntegration } from '../access.ts';
import type { Deps } from '../deps.ts';
import type { Ask } from '../http/request.ts';
import type { Metrics } from '../metrics.ts';
import type { Hub, HubEvent } from './hub.ts';

/** Who has this much unread, and no less at the next keep-alive, is let go of: a client comes back with Last-Event-ID. */
const UNREAD_BYTES = 1_000_000;
/** Who has so much unread is let go of at once. It is far more than what is open of a large installation. */
const MAX_UNREAD_BYTES = 64_000_000;
/** What was written before the end is waited for this long: who does not read would keep the connection for ever. */
const END_MS = 5_000;

export interface Streams {
  open(ask: Ask<'stream'>, request: Request, response: Response): Promise<void>;
  /** Ends all. */
  close(): void;
}

/** Server-sent events, each caller's own tenants only. */
export function createStreams(options: {
  readonly deps: Deps;
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly max: number;
  /** A comment this often keeps proxies from closing the connection; the token is looked at again each time. */
  readonly keepAliveMs: number;
}): Streams {
  const { deps, hub, metrics } = options;
  const ends = new Set<() => void>();
  return {
    async open(ask, request, response) {
      const { caller, query } = ask;
      const { tokenId } = caller;
      if (tokenId === null) throw new AppError('TOKEN_REFUSED', 'event streams: the token is missing');
      const only = query.integration && (await requireIntegration(deps.db, caller, query.integration)).id;
      if (ends.size >= options.max) {
        throw new AppError('TOO_MANY_REQUESTS', 'event streams: too many are open', { waitMs: 5_000 });
      }
      const wanted = (event: HubEvent): boolean =>
        (event.tenant === null ? event.event === 'stop' || caller.tenants === null : maySee(caller, event.tenant)) &&
        (only === undefined || event.event === 'stop' || event.integration === only);
      if (request.method === 'HEAD') return void response.type('text/event-stream').end();
      const inForce = (): Promise<boolean> => isTokenInForce(deps.db, tokenId);
      const { end, write } = begin(response, { inForce, keepAliveMs: options.keepAliveMs });
      ends.add(end);
      metrics.streams(ends.size);
      let unsubscribe = (): void => {};
      response.once('close', () => {
        unsubscribe();
        end();
        ends.delete(end);
        metrics.streams(ends.size);
      });
      try {
        const lastEventId = request.headers['last-event-id'];
        unsubscribe = await hub.subscribe(
          (event) => void (wanted(event) && write(event)),
          typeof lastEventId === 'string' ? lastEventId : undefined,
        );
      } catch (error) {
        end();
        throw error;
      }
      if (response.closed) unsubscribe();
    },
    close() {
      for (const end of ends) end();
    },
  };
}

function begin(
  response: Response,
  options: { readonly inForce: () => Promise<boolean>; readonly keepAliveMs: number },
): { readonly end: () => void; readonly write: (event: HubEvent) => void } {
  response.status(200).set({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  response.flushHeaders();
  response.write('retry: 2000\n\n');
  let unread = 0;
  const keepAlive = setInterval(() => {
    const before = unread;
    unread = response.writableLength;
    if (unread > UNREAD_BYTES && before > 0 && unread >= before) return void response.destroy();
    response.write(': \n\n');
    // A database that does not answer is no reason to end: no event comes then either.
    options.inForce().then(
      (yes) => void (yes || end()),
      () => {},
    );
  }, options.keepAliveMs);
  const end = (): void => {
    clearInterval(keepAlive);
    if (response.writableEnded) return;
    response.end();
    const late = setTimeout(() => response.destroy(), END_MS).unref();
    response.once('close', () => clearTimeout(late));
  };
  return {
    end,
    write({ id, event, data }) {
      if (response.writableEnded || response.destroyed) return;
      response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
    },
  };
}
