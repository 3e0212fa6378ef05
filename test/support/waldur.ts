import type { Env } from "../../src/env.ts";
import { dashed } from "./world.ts";

interface WaldurUser {
  uuid: string;
  is_staff?: boolean;
  is_support?: boolean;
  is_active?: boolean;
  permissions?: Record<string, string | boolean | null>[];
  /** The users they may see. */
  sees?: string[];
}

export type Behaviour = "answers" | "fails" | "hangs" | "down" | "babbles" | "redirects";

const json = (body: unknown, status = 200) => Response.json(body, { status });

/** A small Waldur: `GET /api/users/me/` and `GET /api/users/{uuid}/`, by what its clients' models say. */
export class StandInWaldur {
  readonly users = new Map<string, WaldurUser>();
  readonly calls: { url: string; authorization: string | null }[] = [];
  behaviour: Behaviour = "answers";

  /** The bindings of a Worker that asks this Waldur. */
  get bindings(): Partial<Env> {
    const fetcher = { fetch: (request: Request) => this.#fetch(request) };
    return { AUTH: "waldur", WALDUR_URL: "https://waldur.example.com", WALDUR: fetcher as Pick<Fetcher, "fetch"> };
  }

  async #fetch(request: Request): Promise<Response> {
    const authorization = request.headers.get("Authorization");
    this.calls.push({ url: request.url, authorization });
    if (this.behaviour === "fails") return json({ detail: "Server Error (500)" }, 500);
    if (this.behaviour === "down") throw new TypeError("fetch failed");
    if (this.behaviour === "hangs") return new Promise(() => undefined);
    if (this.behaviour === "babbles") return new Response("<html>");
    if (this.behaviour === "redirects") return Response.redirect("https://elsewhere.example.com/");
    return this.#answer(new URL(request.url).pathname, authorization);
  }

  #answer(path: string, authorization: string | null): Response {
    const user = this.users.get(authorization ?? "");
    if (user === undefined) return json({ detail: "Invalid token." }, 401);
    if (user.is_active === false) return json({ detail: "User inactive or deleted." }, 401);
    const { sees = [], ...shown } = user;
    if (path === "/api/users/me/")
      return json({ ...shown, uuid: dashed(user.uuid), full_name: "Somebody", token: "secret" });
    const asked = /^\/api\/users\/([0-9a-f]{32})\/$/.exec(path)?.[1] ?? "";
    return sees.includes(asked) ? json({ uuid: asked }) : json({ detail: "Not found." }, 404);
  }
}

/** A permission as `/api/users/me/` lists it. */
export const permission = (scope_type: string, uuid: string, more: Record<string, string | boolean | null> = {}) => ({
  role_name: `${scope_type.toUpperCase()}.ROLE`,
  scope_type,
  scope_uuid: dashed(uuid),
  customer_uuid: null,
  expiration_time: null,
  ...more,
});
