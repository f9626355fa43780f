import { z } from 'zod';
import type { ApiState } from '../api/exchange.ts';
import type { Id } from '../db.ts';
import { signAssertion } from '../login/assertions.ts';
import { edgeOf } from '../login/edge.ts';

const Shortcuts = z.object({
  shortcuts: z.array(
    z.object({
      name: z.string(),
      url: z.url(),
      place: z.enum(['web-menu', 'app-tile', 'app-shortcuts']),
      behaviour: z.enum(['redirect', 'in-app']),
    }),
  ),
});

/** A shortcut as the edge gave it, with the integration it belongs to. */
type Shortcut = z.infer<typeof Shortcuts>['shortcuts'][number] & { readonly integration: string };

/** What a person's menu has; `missing` = integrations whose shortcuts could not be had, and why. */
export interface Menu {
  readonly shortcuts: readonly Shortcut[];
  readonly missing: readonly { readonly integration: string; readonly why: string }[];
}

/** Asks the edge for each integration, as Ziik's backend: with an assertion for this person. */
export async function menuOf(state: ApiState, siteId: Id, userId: Id): Promise<Menu> {
  const edge = await edgeOf(state.db, siteId);
  const asked = (edge?.integrations ?? []).map(async ({ id }) => {
    try {
      const found = await ask(state, { siteId, userId, integration: id, edgeUrl: edge?.edgeUrl ?? '' });
      return { shortcuts: found.map((shortcut) => ({ ...shortcut, integration: id })), missing: [] };
    } catch (error) {
      return { shortcuts: [], missing: [{ integration: id, why: error instanceof Error ? error.message : 'unknown' }] };
    }
  });
  const menus = await Promise.all(asked);
  return { shortcuts: menus.flatMap((menu) => menu.shortcuts), missing: menus.flatMap((menu) => menu.missing) };
}

async function ask(
  state: ApiState,
  { siteId, userId, integration, edgeUrl }: { siteId: Id; userId: Id; integration: string; edgeUrl: string },
): Promise<z.infer<typeof Shortcuts>['shortcuts']> {
  const signed = { issuer: `${state.url()}/s/${siteId}`, nowMs: state.clock.now() };
  const assertion = await signAssertion(state.db, { siteId, userId, aud: integration }, signed);
  const response = await fetch(`${trimmed(edgeUrl)}/shortcuts/${encodeURIComponent(integration)}`, {
    headers: { authorization: `Bearer ${assertion}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return Shortcuts.parse(await response.json()).shortcuts;
}

/** Without the slash at its end. */
export function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}
