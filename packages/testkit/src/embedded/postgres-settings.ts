/** What logical replication needs, room for many tests at once, and no care for a machine's power cut. */
export const postgresTestSettings = {
  wal_level: 'logical',
  max_replication_slots: '64',
  max_wal_senders: '64',
  max_connections: '500',
  shared_buffers: '128MB',
  max_wal_size: '4GB',
  fsync: 'off',
  full_page_writes: 'off',
};
