import type { Client, Input, Integration } from '@orgstream/control-api';
import { underTag } from './under-tag.ts';

/** Switches of an integration, as it is now. */
export function changeIntegration(
  control: Client,
  id: string,
  body: NonNullable<Input<'changeIntegration'>['body']>,
): Promise<Integration> {
  const params = { integration: id };
  return underTag(
    async () => (await control.getIntegration({ params })).generation,
    (ifMatch) => control.changeIntegration({ params, body, ifMatch }),
  );
}
