import type { ChannelSession } from '../tenant/channel-session.ts';

/** Channels that this replica serves. */
export interface ServedChannels {
  readonly integrations: readonly string[];
  /** The way to Ziik of one of them; undefined: it is not ours any more. */
  session(integration: string): Promise<ChannelSession | undefined>;
}
