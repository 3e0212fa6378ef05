import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../end-to-end/local-server.ts";
import { FeedServer } from "../feed-server.ts";
import { debianProgram, Program } from "./programs.ts";

const HANGING = { timeout: 150_000, concurrency: true };
/** How much later than a direct reader one behind a proxy may have an event. */
const LATER_MS = 500;
/** What a stream of the feed lasts, and a long poll. */
const STREAM_MS = 55_000;
const POLL_MS = 25_000;

/** The addresses of a proxy and of the server behind it: host and port. */
interface Between {
  proxy: string;
  server: string;
}

/** nginx buffers and compresses what it may, and gives up after 60 seconds of silence: these are its defaults, but for gzip. */
function nginxConfiguration({ proxy, server }: Between, folder: string): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  gzip on;
  gzip_types application/json application/x-ndjson text/event-stream;
  gzip_proxied any;
  ${places.join("\n  ")}
  server {
    listen ${proxy};
    location / {
      proxy_pass http://${server};
      proxy_set_header Host $host:$server_port;
    }
  }
}
`;
}

/** Without `http-no-delay`, each event would be 0.2 seconds late. The times are shorter than those of HAProxy's examples. */
const haproxyConfiguration = ({ proxy, server }: Between): string => `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option http-no-delay
frontend portal
  bind ${proxy}
  default_backend events
backend events
  compression algo gzip
  compression type application/json application/x-ndjson text/event-stream
  server worker ${server}
`;

const PROXIES = [
  {
    name: "nginx",
    path: debianProgram("nginx", "nginx-light"),
    configuration: nginxConfiguration,
    args: (config: string, folder: string) => ["-p", folder, "-e", "stderr", "-c", config],
  },
  {
    name: "HAProxy",
    path: debianProgram("haproxy"),
    configuration: haproxyConfiguration,
    args: (config: string) => ["-db", "-f", config],
  },
];

let server: FeedServer;
let folder: string;
const running: Program[] = [];
/** The names of proxies, and their URLs. */
const urls: Record<string, string> = {};
before(async () => {
  [server, folder] = [await FeedServer.start(), await mkdtemp(join(tmpdir(), "edge-events-feed-proxies-"))];
  for (const proxy of PROXIES) urls[proxy.name] = await started(proxy);
});
after(async () => {
  await Promise.all(running.map((program) => program.stop()));
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function started({ name, path, configuration, args }: (typeof PROXIES)[number]): Promise<string> {
  const own = join(folder, name);
  const between = { proxy: `127.0.0.1:${await freePort()}`, server: new URL(server.origin).host };
  await mkdir(own);
  await writeFile(join(own, "config"), configuration(between, own));
  const program = new Program(path, args(join(own, "config"), own));
  running.push(program);
  await program.answersAt(`http://${between.proxy}/healthz`);
  return `http://${between.proxy}`;
}

const feed = (origin: string, query: string, headers: Record<string, string> = {}) =>
  server.get(`${origin}/api/events/feed/?${query}`, headers);

/** A stream that is read to its end, with the times when texts arrived. */
class Reading {
  #text = "";
  readonly #waiting = new Map<string, () => void>();
  readonly ended: Promise<string>;

  constructor(response: Response) {
    this.ended = this.#read(response);
  }

  async #read({ body }: Response): Promise<string> {
    const decoder = new TextDecoder();
    for await (const bytes of body ?? []) {
      this.#text += decoder.decode(bytes, { stream: true });
      for (const [text, resolve] of this.#waiting) if (this.#text.includes(text)) resolve();
    }
    return this.#text;
  }

  /** The time when a text has arrived: milliseconds. */
  async has(text: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(text, resolve);
    if (this.#text.includes(text)) resolve();
    await promise;
    return Date.now();
  }
}

describe("the feed", HANGING, () => {
  for (const { name } of PROXIES) {
    describe(`behind ${name}, which compresses and buffers what it may,`, HANGING, () => {
      const behind = () => urls[name] ?? "";

      it("events come as they are stored, for as long as a stream lasts, and it ends well", async (t) => {
        const startedAt = Date.now();
        const responses = await Promise.all(
          [server.origin, behind()].map((origin) => feed(origin, "offset=now&live=sse")),
        );
        const [direct, proxied] = responses.map((response) => new Reading(response));
        assert.ok(direct && proxied);
        await proxied.has("event: control");

        const later: number[] = [];
        for (const message of ["one", "two", "three"].map((word) => `${word} behind ${name}`)) {
          await server.push({ event_type: "user_activated", message });
          const [at, proxiedAt] = await Promise.all([direct.has(message), proxied.has(message)]);
          later.push(proxiedAt - at);
        }
        const text = await proxied.ended;

        t.diagnostic(`later than without ${name}: ${later.join(", ")} ms; lasted ${Date.now() - startedAt} ms`);
        assert.ok(Math.max(...later) < LATER_MS, `${later}`);
        assert.ok(Date.now() - startedAt >= STREAM_MS - 1_000);
        assert.match(text, /\n\n:\n\n$/);
        assert.equal(responses[1]?.headers.get("Content-Type"), "text/event-stream");
      });

      it("a long poll has an event when it is stored", async () => {
        const message = `polled behind ${name}`;
        const query = `message=polled+behind+${name}&field=message`;
        const now = (await feed(behind(), `offset=now&${query}`)).headers.get("Stream-Next-Offset");
        const polled = feed(behind(), `offset=${now}&live=long-poll&${query}`);
        await server.push({ event_type: "user_activated", message });
        const events = (await (await polled).json()) as { message: string }[];
        assert.deepEqual(
          events.map((event) => event.message),
          [message],
        );
      });

      it("a long poll without events is not cut, and is 204 in the end", async () => {
        const startedAt = Date.now();
        const response = await feed(behind(), "offset=now&live=long-poll&message=nobody+says+this");
        assert.deepEqual([response.status, await response.text()], [204, ""]);
        assert.ok(Date.now() - startedAt >= POLL_MS - 1_000);
        assert.equal(response.headers.get("Stream-Up-To-Date"), "true");
        assert.ok(response.headers.get("Stream-Next-Offset"));
      });
    });
  }
});

it("an export is the same behind each", async () => {
  const texts: string[] = [];
  await server.produce(2_000);
  await server.listed();
  for (const origin of [server.origin, ...Object.values(urls)]) {
    texts.push(await (await feed(origin, "", { Accept: "application/x-ndjson" })).text());
  }
  const lines = (text = "") => text.split("\n").filter((line) => !line.includes('"op":"control"'));
  assert.ok(lines(texts[0]).length > 2_000);
  for (const text of texts.slice(1)) assert.deepEqual(lines(text), lines(texts[0]));
});
