import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { AppError } from '@orgstream/core';

/** All of standard input. Not by its path: where it is a socket, as under many supervisors, that cannot be opened. */
export function readInput(): Promise<string> {
  return readText(process.stdin);
}

/** Reads a JSON file, or standard input for `-`. */
export async function readJson(path: string, what: string): Promise<unknown> {
  const text = await (path === '-' ? readInput() : readFile(path, 'utf8')).catch((cause: unknown) => {
    throw new AppError('USAGE', `${what}: ${path} cannot be read`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('USAGE', `${what}: ${path === '-' ? 'standard input' : path} is not JSON`);
  }
}
