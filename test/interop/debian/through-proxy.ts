import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../end-to-end/local-server.ts";
import { StandInWaldur } from "../../end-to-end/stand-in-waldur.ts";
import { EVENTS, Portal, type StartProxy, startedProxy } from "./portal.ts";

interface Listed {
  uuid: string;
}

/** What must be true of every reverse proxy of src/http/README.md. */
export function describeProxy(name: string, language: string, startProxy: StartProxy): void {
  describe(`behind ${name}, with the example of the README,`, () => {
    let portal: Portal;
    before(async () => {
      portal = await Portal.start(language, startProxy);
    });
    after(() => portal?.stop());

    it("the list of events is that of this server, with its headers", async () => {
      const response = await portal.get("/api/events/?page_size=2");
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("Content-Type"), "application/json");
      assert.equal(response.headers.get("X-Result-Count"), String(EVENTS));
      assert.equal((await jsonOf<Listed[]>(response)).length, 2);
    });

    it("the links lead through the proxy to the end, with each event once", async () => {
      const uuids: string[] = [];
      let url: string | undefined = `${portal.url}/api/events/?page_size=50&field=uuid`;
      while (url !== undefined) {
        assert.equal(new URL(url).origin, portal.url);
        const response: Response = await portal.get(url);
        uuids.push(...(await jsonOf<Listed[]>(response)).map(({ uuid }) => uuid));
        url = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
      }
      assert.equal(uuids.length, EVENTS);
      assert.equal(new Set(uuids).size, EVENTS);
    });

    it("repeated, encoded and empty parameters arrive as they were sent", async () => {
      const search = "?feature=users&feature=projects&message=a+b%2Cc%2F%C3%B5&unknown=";
      const response = await portal.get(`/api/events/${search}`);
      const first = `${portal.url}/api/events/${search}`;
      assert.equal(response.headers.get("Link"), `<${first}>; rel="first", <${first}>; rel="last"`);
    });

    it("an ETag comes back as 304 without a body", async () => {
      const first = await portal.get("/api/events/");
      const etag = first.headers.get("ETag") ?? "";
      const again = await portal.get("/api/events/", { "If-None-Match": etag, "Accept-Encoding": "gzip" });
      assert.match(etag, /^W\/"/);
      assert.deepEqual([again.status, again.headers.get("ETag"), await again.text()], [304, etag, ""]);
    });

    it("HEAD has the headers of GET and no body", async () => {
      const get = await portal.get("/api/events/?page_size=3");
      const head = await portal.get("/api/events/?page_size=3", {}, "HEAD");
      assert.deepEqual([head.status, await head.text()], [200, ""]);
      for (const name of ["X-Result-Count", "Link", "ETag"]) {
        assert.equal(head.headers.get(name), get.headers.get(name), name);
      }
    });

    it("a token that Waldur does not know is 401 with Waldur's words", async () => {
      const response = await portal.get("/api/events/", { Authorization: "Token unknown" });
      assert.deepEqual([response.status, await response.json()], [401, { detail: "Invalid token." }]);
      assert.equal(response.headers.get("WWW-Authenticate"), "Token");
    });

    it("statistics, count, groups, the suffix and the path without a slash are of this server, too", async () => {
      const months = await jsonOf<{ count: number }[]>(await portal.get("/api/events-stats/?page_size=300"));
      assert.equal(
        months.reduce((sum, { count }) => sum + count, 0),
        EVENTS,
      );
      assert.deepEqual(await (await portal.get("/api/events/count/")).json(), { count: EVENTS });
      assert.ok("users" in (await jsonOf<object>(await portal.get("/api/events/event_groups/"))));
      assert.equal((await portal.get("/api/events.json")).headers.get("X-Result-Count"), String(EVENTS));
      const redirect = await portal.get("/api/events?page_size=2");
      assert.deepEqual([redirect.status, redirect.headers.get("Location")], [301, "/api/events/?page_size=2"]);
    });

    it("a preflight of a browser with Sentry is answered", async () => {
      const response = await portal.get(
        "/api/events/",
        {
          "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "baggage,sentry-trace",
          Origin: "https://x.example.com",
        },
        "OPTIONS",
      );
      assert.equal(response.status, 200);
      assert.match(response.headers.get("Access-Control-Allow-Headers") ?? "", /sentry-trace, baggage/);
    });

    it("every other path is Waldur's, which gets nothing about events", async () => {
      for (const path of ["/api/projects/?name=a+b%2F", "/api/users/me/", "/api/event", "/"]) {
        assert.equal((await portal.get(path)).status, 200, path);
      }
      const received = portal.waldur.received.map(({ path }) => path);
      for (const path of ["/api/projects/?name=a+b%2F", "/api/users/me/", "/api/event", "/"])
        assert.ok(received.includes(path), path);
      assert.deepEqual(
        received.filter((path) => path.startsWith("/api/events")),
        [],
      );
      const { host, proto } = portal.waldur.received.find(({ path }) => path.startsWith("/api/projects/")) ?? {};
      assert.deepEqual([host, proto], [new URL(portal.url).host, "http"]);
    });

    it("the Worker is asked under its own name, by which Cloudflare finds it", async () => {
      const [worker, waldur] = [await StandInWaldur.start({}), await StandInWaldur.start({})];
      const addresses = { portal: `http://127.0.0.1:${await freePort()}`, events: worker.url, waldur: waldur.url };
      const stopProxy = await startedProxy(language, startProxy, addresses);
      await fetch(`${addresses.portal}/api/events/`);
      assert.deepEqual(
        worker.received.map(({ path, host }) => [path, host]),
        [["/api/events/", new URL(worker.url).host]],
      );
      await Promise.all([stopProxy(), worker.stop(), waldur.stop()]);
    });
  });
}

/** Without a check of its shape: the assertions check what they need. */
const jsonOf = async <T>(response: Response): Promise<T> => (await response.json()) as T;
