import * as v from "valibot";
import { notFound } from "../http/errors.ts";
import { utf8 } from "../values/bytes.ts";
import { type Cursor, type PageToken, parseToken, printToken } from "./page-token.ts";

export const DEFAULT_PAGE_SIZE = 10;
export const MAX_PAGE_SIZE = 300;

/** No log has more pages; beyond it, the number of the first event would not be exact. */
const MAX_PAGE = 2 ** 40;

/** Which page is asked for: a number from 1, the last one, or the one at a place. `size` in events. */
export interface PageRequest {
  number: number | "last";
  size: number;
  /** From a page token, which counts; the number is only shown then. */
  cursor?: PageToken;
}

/** 404 `Invalid page.`, as Waldur answers to any page that is not there. */
export const invalidPage = () => notFound("Invalid page.");

const pageNumber = v.union([
  v.literal("last"),
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const token = parseToken(dataset.value);
      if (token !== undefined) return token;
      addIssue({ message: "Is not a page token." });
      return NEVER;
    }),
  ),
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

/**
 * `page` and `page_size` of a query string; throws for a page that no result can have, and for a token of another list.
 * `fingerprint`: of the list (page-token.ts).
 */
export function readPage(params: URLSearchParams, fingerprint: string): PageRequest {
  const [page, size] = ["page", "page_size"].map((name) => params.getAll(name).at(-1) || undefined);
  const result = v.safeParse(pageParameters, { page, page_size: size });
  if (!result.success) throw invalidPage();
  const { page: asked, page_size } = result.output;
  if (typeof asked !== "object") return { number: asked, size: page_size };
  if (asked.fingerprint !== fingerprint) throw invalidPage();
  return { number: asked.number, size: page_size, cursor: asked };
}

/** An empty result still has one page. */
export const pageCount = (total: number, size: number): number => Math.max(1, Math.ceil(total / size));

/** A page of a list that is at hand as a whole, with its links. */
export function pageOfArray<T>(all: readonly T[], { number, size }: PageRequest): { page: T[]; links: Links } {
  const pages = pageCount(all.length, size);
  const asked = number === "last" ? pages : number;
  if (asked > pages) throw invalidPage();
  const links = {
    pages,
    next: asked < pages ? String(asked + 1) : undefined,
    previous: asked > 1 ? String(asked - 1) : undefined,
  };
  return { page: all.slice((asked - 1) * size, asked * size), links };
}

/** What the Link header is made of: values of `page`; undefined where there is no such page. */
export interface Links {
  pages: number;
  next: string | undefined;
  previous: string | undefined;
}

/** A neighbouring page as a value of `page`: a token when there is a fingerprint, else its number; the first is `1`. */
export function neighbour(number: number, cursor: Cursor | undefined, fingerprint: string | undefined) {
  if (cursor === undefined) return undefined;
  if (number <= 1) return "1";
  return fingerprint === undefined ? String(number) : printToken({ number, ...cursor, fingerprint });
}

/** The Link header: first, prev, next, last, each with the request's own URL and another `page`. */
export function linkHeader(requestUrl: string, { pages, next, previous }: Links): string {
  const link = (page: string | undefined, rel: string) =>
    page === undefined ? [] : [`<${pageUrl(requestUrl, page)}>; rel="${rel}"`];
  return [link("1", "first"), link(previous, "prev"), link(next, "next"), link(String(pages), "last")]
    .flat()
    .join(", ");
}

/** The URL of another page: parameters sorted by name, page 1 without `page`, encoded as Python's urlencode does. */
function pageUrl(requestUrl: string, page: string): string {
  const url = new URL(requestUrl);
  const pairs = [...url.searchParams].filter(([name]) => name !== "page");
  if (page !== "1") pairs.push(["page", page]);
  const query = pairs
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map((pair) => pair.map(formEncode).join("="))
    .join("&");
  return `${url.origin}${url.pathname}${query && `?${query}`}`;
}

/** UTF-16 order is not code point order beyond U+FFFF; UTF-8 byte order is. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
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
