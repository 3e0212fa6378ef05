import * as v from "valibot";
import { notFound } from "../http/errors.ts";
import { utf8 } from "../values/bytes.ts";
import { type Cursor, type PageToken, parseToken, printToken } from "./page-token.ts";

export const DEFAULT_PAGE_SIZE = 10;
export const MAX_PAGE_SIZE = 300;

/** More pages than any log has. Beyond it, the number of skipped events would not be exact. */
const MAX_PAGE = 2 ** 40;

/** The requested page: a number from 1, the last page, or the page at a cursor. `size` in events. */
export interface PageRequest {
  number: number | "last";
  size: number;
  /** From a page token; it decides, and the number is only shown. */
  cursor?: PageToken;
}

/** 404 `Invalid page.`, as Waldur answers for any page that does not exist. */
export const invalidPage = () => notFound("Invalid page.");

const pageNumber = v.pipe(
  v.union([
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
  ]),
  v.description("A number from 1, `last`, or a page token of the header `Link`, which is sent back unread."),
  v.metadata({ anyOf: [{ type: "integer", minimum: 1, default: 1 }, { type: "string" }] }),
);

/** The default for zero, negative and unreadable values; the maximum for larger ones. */
const pageSize = v.pipe(
  v.string(),
  v.description(`Entries on a page. A larger number than ${MAX_PAGE_SIZE} counts as ${MAX_PAGE_SIZE}.`),
  v.metadata({ type: "integer", default: DEFAULT_PAGE_SIZE }),
  v.transform((text) => pythonInt(text) ?? 0),
  v.transform((size) => (size < 1 ? DEFAULT_PAGE_SIZE : Math.min(size, MAX_PAGE_SIZE))),
);

/** The last value of each counts; a blank value counts as absent. */
export const pageParameters = v.object({
  page: v.optional(pageNumber, "1"),
  page_size: v.optional(pageSize, String(DEFAULT_PAGE_SIZE)),
});

/**
 * Reads `page` and `page_size`. Throws 404 for a page that no list can have, for a token of another list, and without
 * `knowsIds` for a token with an id. `fingerprint`: of the list.
 */
export function readPage(
  params: URLSearchParams,
  { fingerprint, knowsIds }: { fingerprint: string; knowsIds: boolean },
): PageRequest {
  const [page, size] = ["page", "page_size"].map((name) => params.getAll(name).at(-1) || undefined);
  const result = v.safeParse(pageParameters, { page, page_size: size });
  if (!result.success) throw invalidPage();
  const { page: asked, page_size } = result.output;
  if (typeof asked !== "object") return { number: asked, size: page_size };
  if (asked.fingerprint !== fingerprint) throw invalidPage();
  if (typeof asked.event === "number" && !knowsIds) throw invalidPage();
  return { number: asked.number, size: page_size, cursor: asked };
}

/** An empty result still has one page. */
export const pageCount = (total: number, size: number): number => Math.max(1, Math.ceil(total / size));

/** One page of a complete array, with its links. */
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

/** The pages of a Link header, as values of `page`; undefined for a page that does not exist. */
export interface Links {
  pages: number;
  next: string | undefined;
  previous: string | undefined;
}

/**
 * A neighbouring page as a value of `page`: `1` for the first page, a token of its `list`, else the page number.
 */
export function neighbour(
  number: number,
  cursor: Cursor | undefined,
  list: Pick<PageToken, "fingerprint" | "incarnation"> | undefined,
) {
  if (cursor === undefined) return undefined;
  if (number <= 1) return "1";
  return list === undefined ? String(number) : printToken({ number, ...cursor, ...list });
}

/** The Link header: first, prev, next and last, each the URL of the request with another `page`. */
export function linkHeader(requestUrl: string, { pages, next, previous }: Links): string {
  const pageUrl = pageUrls(requestUrl);
  const link = (page: string | undefined, rel: string) =>
    page === undefined ? [] : [`<${pageUrl(page)}>; rel="${rel}"`];
  return [link("1", "first"), link(previous, "prev"), link(next, "next"), link(String(pages), "last")]
    .flat()
    .join(", ");
}

/**
 * Makes the URLs of other pages of a request: parameters sorted by name, no `page` for page 1, encoded like Python's
 * urlencode.
 */
function pageUrls(requestUrl: string): (page: string) => string {
  const { origin, pathname, search, searchParams } = new URL(requestUrl);
  if (search === "") return (page) => `${origin}${pathname}${page === "1" ? "" : `?page=${formEncode(page)}`}`;
  const others = [...searchParams]
    .filter(([name]) => name !== "page")
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, value]) => ({ name, text: `${formEncode(name)}=${formEncode(value)}` }));
  const later = others.findIndex(({ name }) => compareCodePoints(name, "page") > 0);
  const texts = others.map(({ text }) => text);
  const [before, after] = later === -1 ? [texts, []] : [texts.slice(0, later), texts.slice(later)];
  return (page) => {
    const query = [...before, ...(page === "1" ? [] : [`page=${formEncode(page)}`]), ...after].join("&");
    return `${origin}${pathname}${query && `?${query}`}`;
  };
}

/** Compares by code point: UTF-8 byte order is code point order, and UTF-16 order is not. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
}

/** Encodes as `application/x-www-form-urlencoded`; leaves alphanumerics and `_ . - ~` as they are. */
function formEncode(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text;
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** Reads an integer of ASCII digits like Python's int(); undefined for any other text. */
function pythonInt(text: string): number | undefined {
  const digits = text.trim();
  return /^[+-]?\d+(_\d+)*$/.test(digits) ? Number(digits.replaceAll("_", "")) : undefined;
}
