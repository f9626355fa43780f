const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** murmur2 as the Java client computes it, as a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let h = (SEED ^ length) | 0;
  const view = new DataView(data.buffer, data.byteOffset, length);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = Math.imul(view.getInt32(i, true), M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - i;
  if (rest >= 3) h ^= data[i + 2]! << 16;
  if (rest >= 2) h ^= data[i + 1]! << 8;
  if (rest >= 1) {
    h ^= data[i]!;
    h = Math.imul(h, M);
  }
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h | 0;
}

/** Partition of a tenant, the same in every topic, so that one tenant's records are totally ordered. */
export function partitionOf(tenant: string, partitions: number): number {
  return (murmur2(Buffer.from(tenant, 'utf8')) & 0x7fffffff) % partitions;
}
