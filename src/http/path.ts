/**
 * The path a request is routed by: the suffix routes of Django REST framework (`/api/events.json`,
 * `/api/events/5.json`, with or without a slash after them) stand for the path without the suffix.
 */
export function routedPath(request: Request): string {
  const { pathname } = new URL(request.url);
  const suffixed = /^(\/api\/events(?:-stats|\/[^/]+)?)\.json\/?$/.exec(pathname);
  return suffixed ? `${suffixed[1]}/` : pathname;
}
