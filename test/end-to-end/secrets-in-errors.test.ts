import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "./local-server.ts";
import { exitCode, hasPrinted, ProjectCopy } from "./project-copy.ts";

/** Four letters that occur nowhere else. Errors quote a few characters, so the secret repeats them. */
const MARKER = "zq7x";
const SECRET = MARKER.repeat(8);
const TOKEN = `LOCAL_STAFF_TOKEN=${SECRET}`;
/** Ends a test that hangs. */
const HANGING = { timeout: 120_000 };

const secrets = (value: unknown) => `INGEST_SECRETS='${JSON.stringify(value)}'`;
const local = { local: { secrets: [SECRET], tells_places: true, is_upstream: true } };

/** What is broken → the content of .dev.vars, and variables of the environment. */
const BROKEN: Record<string, [devVars: string, env?: Record<string, string>]> = {
  "INGEST_SECRETS that ends too soon": [`INGEST_SECRETS='{"local":["${SECRET}"'`],
  "INGEST_SECRETS without quotes": [`INGEST_SECRETS={local:[${SECRET}]}`],
  "INGEST_SECRETS with an open quote": [`INGEST_SECRETS='{"local":["${SECRET}"]}`],
  "INGEST_SECRETS that is no JSON": [`INGEST_SECRETS=${SECRET}`],
  "INGEST_SECRETS that is a list": [secrets([SECRET])],
  "INGEST_SECRETS with a secret that is a text": [secrets({ local: SECRET })],
  "INGEST_SECRETS with a secret that is an object": [secrets({ local: [{ [SECRET]: SECRET }] })],
  "INGEST_SECRETS with settings without secrets": [secrets({ local: { secret: SECRET } })],
  "a local secret with a line break": [secrets({ local: [`${SECRET}\n${SECRET}`] })],
  "a local secret with a letter beyond ASCII": [secrets({ local: [`${SECRET}ü€`] })],
  "a local secret with a space": [secrets({ local: [`${SECRET} ${SECRET}`] })],
  "an empty local secret": [secrets({ local: ["", SECRET] })],
  "LOCAL_STAFF_TOKEN with a space": [`LOCAL_STAFF_TOKEN="${SECRET} ${SECRET}"`],
  "LOCAL_STAFF_TOKEN with a line break": [`LOCAL_STAFF_TOKEN="${SECRET}\n${SECRET}"`],
  "LOCAL_STAFF_TOKEN with a letter beyond ASCII": [`LOCAL_STAFF_TOKEN=${SECRET}ü€`],
  "STAFF_TOKEN with a space": ["", { STAFF_TOKEN: `${SECRET} ${SECRET}` }],
  "STAFF_TOKEN with a letter beyond ASCII": ["", { STAFF_TOKEN: `${SECRET}ü€` }],
  "INGEST_SECRET with a line break": ["", { INGEST_SECRET: `${SECRET}\n${SECRET}` }],
  "INGEST_SECRET with a letter beyond ASCII": ["", { INGEST_SECRET: `${SECRET}ü€` }],
  "PORT that is a secret": [TOKEN, { PORT: SECRET }],
  "SAMPLE_EVENTS that is a secret": [TOKEN, { SAMPLE_EVENTS: SECRET }],
};

/** As above; only the Worker notices these. */
const BROKEN_IN_THE_WORKER: typeof BROKEN = {
  "a key that is no base64": [
    secrets({ ...local, other: { auth: "standard-webhooks", secrets: [`whsec_${SECRET}?`] } }),
  ],
  "a WALDUR_URL that is no URL": [`AUTH=waldur\nWALDUR_URL=${SECRET}\n${secrets(local)}`],
  "a WALDUR_URL with credentials": [`AUTH=waldur\nWALDUR_URL=http://u:${SECRET}@127.0.0.1:1\n${secrets(local)}`],
};

describe("npm start prints and stores no secret of", () => {
  let copy: ProjectCopy;
  before(async () => {
    copy = await ProjectCopy.create();
  });
  after(() => copy?.remove());

  for (const [what, [devVars, env]] of Object.entries({ ...BROKEN, ...BROKEN_IN_THE_WORKER })) {
    it(what, HANGING, async () => {
      const given = devVars.includes("LOCAL_STAFF_TOKEN") || env?.STAFF_TOKEN ? devVars : `${devVars}\n${TOKEN}`;
      const run = await copy.start(given, { PORT: String(await freePort()), SAMPLE_EVENTS: "1", ...env });
      assert.ok([1, 2].includes((await exitCode(run)) ?? 0), run.printed());
      assert.ok(run.printed().trim() !== "");
      assert.ok(!run.printed().includes(MARKER), run.printed());
      assert.deepEqual(copy.filesWith(MARKER), []);
    });
  }
});

describe("npm start with working secrets", () => {
  let copy: ProjectCopy;
  before(async () => {
    copy = await ProjectCopy.create();
  });
  after(() => copy?.remove());

  it("prints them in its banner only, and keeps them in files of its owner", HANGING, async () => {
    const port = await freePort();
    const run = await copy.start(`${TOKEN}\n${secrets(local)}`, { PORT: String(port), SAMPLE_EVENTS: "0" });
    try {
      await hasPrinted(run, "Ready at");
      const banner = run.printed();
      assert.ok(banner.includes(SECRET));
      assert.equal((await stat(copy.devVars)).mode & 0o777, 0o600);
      const slashes = ["/", "%2F", "%2f", "%252F", "//", "/%2F"];
      for (const slash of slashes) await post(`http://127.0.0.1:${port}/ingest/local${slash}${SECRET}`);
      await post(`http://127.0.0.1:${port}/%69ngest/local/${SECRET}`);
      await hasPrinted(run, "POST /… 404");
      assert.ok(!run.printed().slice(banner.length).includes(MARKER), run.printed().slice(banner.length));
      const files = copy.filesWith(MARKER);
      assert.deepEqual(
        files.map((file) => basename(file)),
        ["start.env"],
      );
      for (const file of files) assert.equal((await stat(file)).mode & 0o777, 0o600);
    } finally {
      run.child.kill("SIGINT");
      await exitCode(run);
    }
    assert.deepEqual(copy.filesWith(MARKER), []);
  });
});

async function post(url: string): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: '{"event_type":"a","message":"A."}' });
  await response.arrayBuffer();
}
