import { AppError } from '@orgstream/core';

/** Host names, and `*.suffix` for all below one; comma-separated. */
export const vendorHostsPattern = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(,(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)*$/i;

/** Throws REQUEST_INVALID for an address of a vendor that is not to be connected to; `field` is where it was given. */
export type CheckVendorUrl = (field: string, url: string | undefined) => void;

/**
 * Addresses come from customers' administrators too, and control, edge and the bridge connect to them from inside: where
 * hosts are named, nothing else is taken. Empty: any address.
 */
export function createVendorCheck(hosts: string): CheckVendorUrl {
  if (hosts === '') return () => {};
  const allowed = hosts.toLowerCase().split(',');
  const isAllowed = (host: string): boolean =>
    allowed.some((entry) =>
      entry.startsWith('*.') ? host.endsWith(entry.slice(1)) && host !== entry.slice(1) : host === entry,
    );
  return (field, url) => {
    if (url === undefined) return;
    const { protocol, hostname } = new URL(url);
    if (protocol === 'https:' && isAllowed(hostname)) return;
    throw new AppError('REQUEST_INVALID', `body: ${field}: must be https, on a host that CONTROL_VENDOR_HOSTS names`, {
      field,
    });
  };
}
