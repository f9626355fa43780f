import type { StackFile } from './stack-file.ts';

/** A platform of the Learningbank simulator. */
export interface Platform {
  readonly id: number;
  /** Base URL, with /api/v1. */
  readonly url: string;
  readonly credentials: StackFile['learningbankCredentials'];
}

/** A platform of its own in the Learningbank simulator; `rateLimitPerMinute` 0 = no limit. */
export async function createPlatform(
  simUrl: string,
  platform: { readonly name: string; readonly rateLimitPerMinute: number } & Readonly<Record<string, unknown>>,
): Promise<Platform> {
  const response = await fetch(`${simUrl}/_sim/platforms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(platform),
  });
  if (!response.ok) throw new Error(`creating a platform: HTTP ${response.status} ${await response.text()}`);
  return (await response.json()) as Platform;
}
