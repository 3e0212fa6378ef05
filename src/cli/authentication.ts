import { readFile } from "node:fs/promises";
import { Failure, WRONG_USAGE } from "./failure.ts";
import { paths } from "./paths.ts";
import type { Environment } from "./settings.ts";

/** How the local server identifies users: by its own tokens, or by the Waldur at `url`. */
export type Authentication = { mode: "local" } | { mode: "waldur"; url: string };

/**
 * Reads `AUTH` and `WALDUR_URL`, each from the first source that has it; then from wrangler.toml. Throws a Failure for
 * values with which the Worker would answer every request with an error. The Failure does not quote them: a URL may
 * contain a password.
 */
export async function readAuthentication(...sources: readonly Environment[]): Promise<Authentication> {
  const config = await readFile(paths.wranglerConfig, "utf8");
  const setting = (name: string) => sources.map((source) => source[name]).find(Boolean) ?? textIn(config, name);
  const mode = setting("AUTH") ?? "local";
  if (mode === "local") return { mode };
  if (mode !== "waldur") throw new Failure("AUTH must be local or waldur.", WRONG_USAGE);
  return { mode, url: checkedUrl(setting("WALDUR_URL")) };
}

/** The text that a TOML file gives to a name, written as wrangler.toml writes all of them: `NAME = "text"`. */
const textIn = (toml: string, name: string): string | undefined =>
  [...toml.matchAll(/^([A-Z_]+) = "([^"\\]+)"/gm)].find(([, key]) => key === name)?.[2];

function checkedUrl(text: string | undefined): string {
  if (text === undefined) {
    throw new Failure("AUTH=waldur needs WALDUR_URL, e.g. WALDUR_URL=https://waldur.example.com.", WRONG_USAGE);
  }
  const url = URL.parse(text);
  const besides = url && [url.username, url.password, url.search, url.hash].join("");
  if (url !== null && /^https?:$/.test(url.protocol) && besides === "") return url.href;
  throw new Failure(
    "WALDUR_URL must be an http or https URL without user, password and query, e.g. https://waldur.example.com.",
    WRONG_USAGE,
  );
}
