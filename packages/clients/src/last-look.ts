/** undici's handler of one request, as Node's fetch makes it: `onConnect` until undici 7, `onRequestStart` later. */
interface Handler {
  onConnect?(abort: (reason: unknown) => void, ...rest: readonly unknown[]): unknown;
  onRequestStart?(controller: { abort(reason: unknown): void }, ...rest: readonly unknown[]): unknown;
}

interface Dispatcher {
  dispatch(options: unknown, handler: Handler): boolean;
}

/** Where undici keeps the dispatcher of Node's fetch; there once fetch has been called. */
const globalDispatcher = Symbol.for('undici.globalDispatcher.1');

/**
 * The `dispatcher` option of a fetch that looks once more on a connection that is there, in the very turn in which the
 * request is written: `look` throws and nothing is sent. Before fetch is too early: a process that stands still while it
 * connects (a paused machine, a long collection) writes when it wakes, whatever was true before.
 */
export function lastLook(look: () => void): NonNullable<RequestInit['dispatcher']> {
  const dispatcher: Dispatcher = {
    dispatch(options: unknown, handler: Handler): boolean {
      const { [globalDispatcher]: next } = globalThis as unknown as Record<symbol, Dispatcher>;
      return next!.dispatch(options, guarded(handler, look));
    },
  };
  // fetch uses nothing else of it.
  return dispatcher as unknown as NonNullable<RequestInit['dispatcher']>;
}

function guarded(handler: Handler, look: () => void): Handler {
  const refused = (abort: (reason: unknown) => void): boolean => {
    try {
      look();
      return false;
    } catch (error) {
      abort(error);
      return true;
    }
  };
  const guard = Object.create(handler) as Handler;
  if (handler.onConnect) {
    guard.onConnect = (abort, ...rest) => (refused(abort) ? undefined : handler.onConnect!.call(guard, abort, ...rest));
  }
  if (handler.onRequestStart) {
    guard.onRequestStart = (controller, ...rest) =>
      refused((reason) => controller.abort(reason))
        ? undefined
        : handler.onRequestStart!.call(guard, controller, ...rest);
  }
  return guard;
}
