import { isAppError } from '@orgstream/core';

/** Somebody else may change a thing between our look and our change: then we look again. */
const TRIES = 3;

/** Changes a thing as it is now, under the ETag of a fresh look: what is changed does not depend on what it was. */
export async function underTag<Tag extends string | number, T>(
  look: () => Promise<Tag>,
  change: (tag: Tag) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const tag = await look();
    try {
      return await change(tag);
    } catch (error) {
      if (attempt === TRIES || !isAppError(error, 'PRECONDITION_FAILED')) throw error;
    }
  }
}
