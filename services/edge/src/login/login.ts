import { Router } from 'express';
import type { Deps, Part } from '../deps.ts';

/** Logins and shortcuts. */
export function createLogin(_deps: Deps): Part {
  return {
    router: Router(),
    run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  };
}
