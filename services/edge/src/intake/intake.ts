import { Router } from 'express';
import type { Deps, Part } from '../deps.ts';

/** Learningbank's notifications: hook, poll, types. */
export async function createIntake(_deps: Deps): Promise<Part & AsyncDisposable> {
  return {
    router: Router(),
    run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    async [Symbol.asyncDispose]() {},
  };
}
