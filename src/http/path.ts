/**
 * The path a request is routed by: the suffix routes of Django REST framework (`/api/events.json`,
 * `/api/events/5.json`, with or without a slash after them) stand for the path without the suffix. A slash after a path
 * of producers is left out: a redirect would send the secret of the URL back, and many clients lose their headers on it.
 */
export function routedPath(request: Request): string {
  const { pathname } = new URL(request.url);
  if (/^\/ingest\/.*[^/]\/$/.test(pathname)) return pathname.slice(0, -1);
  const suffixed = /^(\/api\/events(?:-stats|\/[^/]+)?)\.json\/?$/.exec(pathname);
  return suffixed ? `${suffixed[1]}/` : pathname;
}
