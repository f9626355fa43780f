/** Kafka topics; partitions are chosen by tenant (`partitionOf`). */
export const topics = {
  /** Rows of Ziik's database, one record type per table; delete, 14 days. */
  ziikChanges: 'ziik.changes',
  /** Vendor-neutral facts; compacted. */
  directoryChanges: 'directory.changes',
  /** What Learningbank tells people, one record a receiver; delete, 7 days. */
  learningbankNotifications: 'learningbank.notifications',
  /** Records whose tenant cannot be read: original bytes and headers; delete, 30 days. */
  unreadable: 'orgstream.unreadable',
} as const;

/** Kinds of facts; a key is `tenant/kind/id`. */
export const kinds = ['tenant', 'unit', 'role', 'person', 'membership', 'assignment'] as const;
export type Kind = (typeof kinds)[number];

/** Key of `directory.changes`: `tenant/kind/id`. Ids hold no slash. */
export function factKey(tenant: string, kind: Kind, id: string): string {
  return `${tenant}/${kind}/${id}`;
}

/** Key of a `directory.Rejected`: beside the fact it stands for, so that neither compacts the other away. */
export function rejectedKey(tenant: string, kind: Kind, id: string): string {
  return `${factKey(tenant, kind, id)}/rejected`;
}

/** Key of a snapshot marker: own key per snapshot and phase, so that compaction keeps both. */
export function markerKey(tenant: string, snapshotId: string, phase: string): string {
  return `${tenant}/snapshot/${snapshotId}/${phase}`;
}

/** Key of `learningbank.notifications`: `tenant/receiver`; the receiver is a Learningbank user id. */
export function notificationKey(tenant: string, receiver: string): string {
  return `${tenant}/${receiver}`;
}

/** Key of the generation record that `orgstream topics apply` writes as first record of each partition of a topic. */
export const generationKey = 'orgstream/generation';

/** Tenant key of a Ziik site: `<source>.<site id>`, for example `eu1.42`. */
export function tenantKey(source: string, siteId: string | number): string {
  return `${source}.${siteId}`;
}

/** Takes a tenant key apart; undefined when it is none. */
export function parseTenantKey(key: string): { source: string; siteId: string } | undefined {
  const match = /^([a-z0-9][a-z0-9-]*)\.([0-9]+)$/.exec(key);
  return match ? { source: match[1]!, siteId: match[2]! } : undefined;
}

/** TopicRecordNameStrategy. */
export function subjectOf(topic: string, recordName: string): string {
  return `${topic}-${recordName}`;
}

/** Record types allowed on each topic, by full name. */
export const recordsOf = {
  [topics.ziikChanges]: [
    'ziik.Site',
    'ziik.Unit',
    'ziik.UserType',
    'ziik.User',
    'ziik.Membership',
    'ziik.MembershipUserType',
    'ziik.SnapshotMarker',
  ],
  [topics.directoryChanges]: [
    'directory.Tenant',
    'directory.Unit',
    'directory.Role',
    'directory.Person',
    'directory.Membership',
    'directory.Assignment',
    'directory.Rejected',
    'directory.SnapshotMarker',
  ],
  [topics.learningbankNotifications]: ['learningbank.Notification'],
} as const satisfies Record<string, readonly string[]>;
