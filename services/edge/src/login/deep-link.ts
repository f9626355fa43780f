/** Longest link that is followed. */
const maxLength = 2_048;

/** What browsers drop or take for something else, or what ends a header: no address of a page has any of it. */
const odd = /[\s\\\p{Cc}\p{Cf}]/u;
/** In a path: slash, backslash, control characters and a second encoding, behind which a server may find other things than we do. */
const oddInPath = /%(?:2f|5c|25[0-9a-f]{2}|[01][0-9a-f]|7f)/i;
/** In a query: what could end a header once it is decoded. */
const oddInQuery = /%(?:0[0ad]|7f)/i;

/**
 * The page of a platform that a link asks for, as a path below the platform's site: what it was given when it is a path,
 * what is left of it when it is a whole address on the site. undefined = it leads elsewhere, or may. Absent or empty: the
 * front page. Only the path ever goes on from here: no host that was given is ever redirected to. Pure.
 */
export function resolveDeepLink(to: unknown, site: URL): string | undefined {
  if (to === undefined || to === '') return '/';
  if (typeof to !== 'string' || to.length > maxLength || odd.test(to)) return undefined;
  const page = to.startsWith('/') ? onPath(to) : onSite(to, site);
  if (!page || page.pathname.startsWith('//') || oddInPath.test(page.pathname)) return undefined;
  if (oddInQuery.test(page.search) || oddInQuery.test(page.hash)) return undefined;
  return `${page.pathname}${page.search}${page.hash}`;
}

type Page = Pick<URL, 'pathname' | 'search' | 'hash'>;

/** `//host/…` is an address without a scheme, not a path. */
function onPath(path: string): Page | undefined {
  if (path.startsWith('//')) return undefined;
  const page = URL.parse(path, 'https://site.invalid');
  return page?.host === 'site.invalid' ? page : undefined;
}

function onSite(address: string, site: URL): Page | undefined {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(address)?.[1];
  // Plain letters only: what looks like the host, or is made into it by the parser, is not what was agreed.
  if (authority === undefined || !/^[a-z0-9.:[\]-]+$/i.test(authority)) return undefined;
  const page = URL.parse(address);
  if (!page || !isHostOf(site, page)) return undefined;
  const rest = below(site, page.pathname);
  return rest === undefined ? undefined : { pathname: rest, search: page.search, hash: page.hash };
}

/** An old link over http leads to the same page: only its path is used. */
function isHostOf(site: URL, page: URL): boolean {
  const isUpgrade = site.protocol === 'https:' && page.protocol === 'http:' && page.port === '' && site.port === '';
  return page.host === site.host && (page.protocol === site.protocol || isUpgrade);
}

/** Several platforms may share a host: the site's own path is part of the address. */
function below(site: URL, pathname: string): string | undefined {
  const root = site.pathname.replace(/\/+$/, '');
  if (pathname === root) return '/';
  return pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : undefined;
}

/** True for an address on the platform's own site: nowhere else is anybody sent with a login link. Pure. */
export function isOnSite(address: string, site: URL): boolean {
  const url = URL.parse(address);
  if (!url || odd.test(address) || url.username !== '' || url.password !== '') return false;
  return url.origin === site.origin && below(site, url.pathname) !== undefined;
}
