import * as v from "valibot";
import { notFound } from "../http/errors.ts";

export const DEFAULT_PAGE_SIZE = 10;
export const MAX_PAGE_SIZE = 300;

/** No log has more pages; beyond it, the number of the first event would not be exact. */
const MAX_PAGE = 2 ** 40;

/** Which page is asked for: a number from 1, or the last one. `size` in events. */
export interface PageRequest {
  number: number | "last";
  size: number;
}

/** 404 `Invalid page.`, as Waldur answers to any page that is not there. */
export const invalidPage = () => notFound("Invalid page.");

const pageNumber = v.union([
  v.literal("last"),
  v.pipe(
    v.string(),
    v.transform((text) => pythonInt(text) ?? 0),
    v.minValue(1),
    v.maxValue(MAX_PAGE),
  ),
]);

/** Junk, zero and less mean the default; more than the most is cut. */
const pageSize = v.pipe(
  v.string(),
  v.transform((text) => pythonInt(text) ?? 0),
  v.transform((size) => (size < 1 ? DEFAULT_PAGE_SIZE : Math.min(size, MAX_PAGE_SIZE))),
);

/** The last value of each counts; blank ones are not given. */
export const pageParameters = v.object({
  page: v.optional(pageNumber, "1"),
  page_size: v.optional(pageSize, String(DEFAULT_PAGE_SIZE)),
});

/** `page` and `page_size` of a query string; throws for a page that no result can have. */
export function readPage(params: URLSearchParams): PageRequest {
  const [page, size] = ["page", "page_size"].map((name) => params.getAll(name).at(-1) || undefined);
  const result = v.safeParse(pageParameters, { page, page_size: size });
  if (!result.success) throw invalidPage();
  return { number: result.output.page, size: result.output.page_size };
}

/** An empty result still has one page. */
export const pageCount = (total: number, size: number): number => Math.max(1, Math.ceil(total / size));

/** The number of the page asked for; throws when there is no such page. */
export function resolvePage({ number, size }: PageRequest, total: number): number {
  const pages = pageCount(total, size);
  const resolved = number === "last" ? pages : number;
  if (resolved > pages) throw invalidPage();
  return resolved;
}

/** The Link header: first, prev, next, last, each with the request's own URL and another `page`. */
export function linkHeader(requestUrl: string, page: number, pages: number): string {
  const link = (number: number, rel: string) => `<${pageUrl(requestUrl, number)}>; rel="${rel}"`;
  return [
    link(1, "first"),
    ...(page > 1 ? [link(page - 1, "prev")] : []),
    ...(page < pages ? [link(page + 1, "next")] : []),
    link(pages, "last"),
  ].join(", ");
}

/** The URL of another page: parameters sorted by name, page 1 without `page`, encoded as Python's urlencode does. */
function pageUrl(requestUrl: string, number: number): string {
  const url = new URL(requestUrl);
  const pairs = [...url.searchParams].filter(([name]) => name !== "page");
  if (number > 1) pairs.push(["page", String(number)]);
  const query = pairs
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map((pair) => pair.map(formEncode).join("="))
    .join("&");
  return `${url.origin}${url.pathname}${query && `?${query}`}`;
}

/** UTF-16 order is not code point order beyond U+FFFF; UTF-8 byte order is. */
function compareCodePoints(a: string, b: string): number {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
}

/** `application/x-www-form-urlencoded`, with `~` left alone and everything but `_ . - ~` and alphanumerics encoded. */
function formEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** What Python's int() reads, among ASCII digits; undefined for anything else. */
function pythonInt(text: string): number | undefined {
  const digits = text.trim();
  return /^[+-]?\d+(_\d+)*$/.test(digits) ? Number(digits.replaceAll("_", "")) : undefined;
}
