import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { partitionIn } from './records.ts';

/** A scene whose tenant is in another partition of the topic. */
export async function openElsewhere(
  topic: string,
  than: SmallScene,
  open: () => Promise<SmallScene> = openSmallScene,
): Promise<SmallScene> {
  const file = await than.file();
  for (;;) {
    const scene = await open();
    const [one, two] = await Promise.all([than, scene].map(({ joined }) => partitionIn(file, topic, joined.tenant)));
    if (one !== two) return scene;
    await scene[Symbol.asyncDispose]();
  }
}
