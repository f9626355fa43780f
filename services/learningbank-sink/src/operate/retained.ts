import { topics } from '@orgstream/core';

/** What of a person stays in a topic for a while, and why nobody can hurry it. */
export interface Retained {
  readonly topic: string;
  /** ISO time by which it is gone; null = no fixed one, see `policy`. */
  readonly until: string | null;
  readonly policy: string;
  readonly what: string;
}

const dayMs = 86_400_000;

/** Topics that may still hold an erased person, as `orgstream topics apply` sets them up. */
export function retainedTopics(now: Date): readonly Retained[] {
  const after = (days: number): string => new Date(now.getTime() + days * dayMs).toISOString();
  return [
    {
      topic: topics.directoryChanges,
      until: null,
      policy: 'compact: older records of a key go when the log cleaner next runs over them, the tombstones a day later',
      what: 'facts of the person from before the tombstones',
    },
    {
      topic: topics.ziikChanges,
      until: after(14),
      policy: 'delete after 14 days',
      what: 'rows as the source published them; a topic of this kind cannot be erased by key',
    },
    {
      topic: topics.learningbankNotifications,
      until: after(7),
      policy: 'delete after 7 days',
      what: 'notifications to the person as Learningbank sent them; the bridge skips them from now on',
    },
    {
      topic: topics.unreadable,
      until: after(30),
      policy: 'delete after 30 days',
      what: 'original bytes of records that could not be read at all, if any were of this person',
    },
  ];
}
