import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { canonicalLine, digestOf } from "../../src/mirror/canonical.ts";
import { type HistoryEvent, historyOf, WaldurHistory } from "../support/waldur-history.ts";

const run = promisify(execFile);
const README = resolve(import.meta.dirname, "../../src/mirror/README.md");
const FROM = 1_750_000_000;

/** Numbers and texts in which JavaScript, jq and their versions may differ. */
const ODD: unknown[] = [
  ...[0, -0, 1, -1, 0.1, -2.5, 1e15, 999_999_999_999_999, -1e15, 1e16, 1e17, 1e21, 1e-5, 1.25e-7, 123_456_789.123],
  ...[
    5e-324,
    -5e-324,
    2.225_073_858_507_201_4e-308,
    1e-310,
    1.797_693_134_862_315_7e308,
    9_007_199_254_740_992,
    2 ** 60,
  ],
  ...[Math.PI, 1 / 3, 0.5, 0.25, 2 ** -1022, 2 ** 1023, null, true, false, "", [], {}, [[]], [{ a: [] }]],
  ...["\u007f", "\u2028\u2029", "\u0000\u0001\b\t\n\f\r", '"\\/', "Õun 😀 \uffff\ue000", "<&>'"],
  { "\ue000": 1, "😀": 2, "😁": 3, "10": 4, "9": 5, "": 6, a: { z: 1, b: 2, aa: 3, é: 4 }, __proto__x: 7 },
];

const events: HistoryEvent[] = Array.from({ length: 730 }, (_, n) => ({
  uuid: n.toString(16).padStart(32, "0").split("").reverse().join(""),
  created: (FROM + n) * 1_000_000 + (n % 3 === 0 ? 0 : n * 7),
  event_type: "user_activated",
  message: `Event ${n} ${typeof ODD[n % ODD.length] === "string" ? ODD[n % ODD.length] : ""}`,
  context: { odd: ODD[n % ODD.length], n, "9": n, "10": n * 1.1 },
}));

let server: Server;
let folder: string;

before(async () => {
  const waldur = new WaldurHistory(historyOf(events));
  server = createServer(({ url, headers }, response) => {
    const { authorization = "" } = headers;
    const answer = waldur.answer(new Request(`http://waldur${url}`, { headers: { authorization } }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    void answer.text().then((text) => response.end(text));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  folder = await mkdtemp(join(tmpdir(), "edge-events-digest-"));
});
after(async () => {
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

test("the script of the README computes the same digest as the Worker, from the API alone", async () => {
  const [, script = ""] = /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(await readFile(README, "utf8")) ?? [];
  await writeFile(join(folder, "digest.sh"), script);
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const [from, to] = [FROM + 5, FROM + 700];

  const env = { ...process.env, TOKEN: "staff-token-of-waldur" };
  const args = ["digest.sh", `http://127.0.0.1:${port}`, String(from), String(to)];
  const { stdout } = await run("sh", args, { cwd: folder, env });

  const lines = events
    .filter(({ created }) => created >= from * 1_000_000 && created < to * 1_000_000)
    .map(({ event_type: eventType, ...event }) => canonicalLine({ ...event, eventType }));
  assert.equal(stdout, `${lines.length} events\n${await digestOf(lines)}  -\n`);
  assert.equal(lines.length, 695);
});
