import { AppError } from '@orgstream/core';
import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { integrationName, isIdentifier, tenantKey } from './arguments.ts';

/** Options that say which integration is meant. */
export interface WhichIntegration {
  readonly integration?: string;
  readonly tenant?: string;
}

/** `--integration` and `--tenant`. */
export function withIntegration(command: Command): Command {
  return command
    .option('--integration <id>', 'this integration', integrationName)
    .option('--tenant <source.site>', 'the integration of this tenant, where it has one', tenantKey);
}

/** `<integration>`: what a command is about. */
export function aboutIntegration(command: Command): Command {
  return command.argument('<integration>', 'its id, or a tenant that has one integration', integrationName);
}

/** Params of the routes of one integration, by id or by a tenant that has one. */
export async function paramsOf(cli: Cli, text: string): Promise<{ readonly integration: string }> {
  return { integration: await integrationId(cli, { integration: text }) };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Items of all pages, at most `limit`. */
export async function allItems<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
  limit = Infinity,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return items.slice(0, limit);
}

/** Cursor of a page as its query takes it. */
export const from = (cursor: string | undefined): { readonly cursor?: string } =>
  cursor === undefined ? {} : { cursor };

/** The integration that is meant, by id or by a tenant that has one. Throws USAGE, NOT_FOUND. */
export async function integrationId(cli: Cli, which: WhichIntegration): Promise<string> {
  if (which.integration !== undefined && which.tenant !== undefined) {
    throw new AppError('USAGE', 'give either --integration or --tenant');
  }
  const name = which.integration ?? which.tenant;
  if (name === undefined) throw new AppError('USAGE', 'give --integration <id>, or --tenant <source.site>');
  if (isIdentifier(name)) return name;
  const { items } = await cli.control().listIntegrations({ query: { tenant: name } });
  const [only, second] = items;
  if (!only) {
    throw new AppError('NOT_FOUND', `tenant ${name} has no integration`, {
      remedy: '`orgstream integration list` shows all',
    });
  }
  if (second) {
    const choices = items.map(({ id, name: label }) => `${id} (${label})`).join(', ');
    throw new AppError(
      'USAGE',
      `tenant ${name} has ${items.length} integrations: give --integration, one of ${choices}`,
    );
  }
  return only.id;
}

/** Whether an option was given. */
export const isGiven = <T>(value: T | undefined): value is T => value !== undefined;
