import { isAppError } from '@orgstream/core';
import type { Client, Input, Integration } from '@orgstream/control-api';

/** Somebody else may change an integration between our look and our change: then we look again. */
const TRIES = 3;

/** Changes an integration as it is now: what is changed does not depend on what it was. */
export async function changeIntegration(
  control: Client,
  id: string,
  body: NonNullable<Input<'changeIntegration'>['body']>,
): Promise<Integration> {
  for (let attempt = 1; ; attempt += 1) {
    const params = { integration: id };
    const { generation } = await control.getIntegration({ params });
    try {
      return await control.changeIntegration({ params, body, ifMatch: generation });
    } catch (error) {
      if (attempt === TRIES || !isAppError(error, 'PRECONDITION_FAILED')) throw error;
    }
  }
}
