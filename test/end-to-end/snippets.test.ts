import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LocalDatabase } from "./local-database.ts";
import { LocalServer } from "./local-server.ts";
import { isShown, Shell, type Snippet, snippetsOf, stepsOf, volatileIn } from "./snippets.ts";

const TOKEN = "eev_0123456789abcdef0123456789abcdef01234567";
const SECRET = `whsec_${Buffer.from("a secret of a producer, for tests").toString("base64")}`;
const EVENT = '{"event_type":"user_activated","message":"Ada is active."}\n';
/** Ends a test that hangs. */
const HANGING = { timeout: 120_000 };

/** Snippets that do not run here → why. Each is found by a text that it contains. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "npm start  ": "test/end-to-end/start.test.ts",
  "wrangler login": "it needs a Cloudflare account",
  "from waldur_api_client": "the package is on no registry that the tests reach",
  'from "waldur-js-client"': "test/end-to-end/waldur-client.test.ts, with a stand-in for the package",
  "npx openapi-typescript": "test/interop/openapi.test.ts, with the same generators",
  "touch handled": "test/end-to-end/poll.test.ts",
  "export async function poll": "test/end-to-end/poll.test.ts",
  "npm run --silent admin -- dead-letters": "test/end-to-end/ingest-admin.test.ts, running.test.ts",
};

/** The READMEs whose snippets run one after the other on one server with the 300 sample events. */
const ON_ONE_SERVER = [
  [
    "src/events/README.md",
    "src/events/list/README.md",
    "src/auth/README.md",
    "README.md",
    "src/ingest/README.md",
    "src/ingest/producers/README.md",
    "src/feed/README.md",
  ],
  ["src/cli/README.md"],
];
const READMES = ON_ONE_SERVER.flat();

/** Producers whose secrets are SECRET. */
const PRODUCERS = `export PRODUCER_SECRET=${SECRET}
npm run admin -- producers add signed --auth standard-webhooks -- producers add forge --auth github`;

/** Two events of 2019, which a snippet of src/cli/README.md deletes. Ends when they are stored. */
const OLD_EVENTS = `curl -sS --json '[{"event_type":"user_activated","message":"Ada is active.","created":"2019-10-07T00:00:00Z"},
  {"event_type":"user_activated","message":"Eve is active.","created":"2019-11-18T00:00:00Z"}]' -H "Authorization: Bearer $SECRET" "$API/ingest/local"
until curl -sS -H "Authorization: Token $TOKEN" "$API/api/events/count/?created_to=1600000000" | grep -q ':2'; do :; done`;

/** What a snippet of src/cli/README.md finds: SQL by a text that the snippet contains. */
const PREPARED: Readonly<Record<string, string>> = {
  "counters verify": "UPDATE counters SET n = n + 1 WHERE series = 'log' AND period = '2026-07'",
  "objects moves": `INSERT INTO object_moves VALUES (1, '32d54ec4f7694f4bba47d35b6d10e146',
    '451f75dff6b04ab7919b7e948fd3d7ae', 'aaaaaaaabbbb4cccadddeeeeeeeeeeee', 'local', '${"b".repeat(32)}', 1795606027786292)`,
};

const isElsewhere = ({ code }: Snippet): boolean => Object.keys(ELSEWHERE).some((text) => code.includes(text));

for (const paths of ON_ONE_SERVER) {
  describe("the snippets of", () => {
    let database: LocalDatabase;
    let folder: string;
    let server: LocalServer;
    let shell: Shell;
    let known: Map<string, string>;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "edge-events-readme-"));
      await writeFile(join(folder, "events.ndjson"), EVENT);
      database = await LocalDatabase.create();
      const { stateDir } = database.target;
      shell = new Shell(folder, { STATE_DIR: stateDir, TOKEN, SECRET });
      if (paths.some((path) => path.includes("producers"))) await shell.run(PRODUCERS);
      const env = { STATE_DIR: stateDir, STAFF_TOKEN: TOKEN, INGEST_SECRET: SECRET, SAMPLE_EVENTS: "300" };
      server = await LocalServer.start(env);
      await shell.run(`API=${server.url}`);
      if (paths.includes("src/cli/README.md")) await shell.run(OLD_EVENTS);
      known = new Map([["http://127.0.0.1:8787", server.url]]);
    });
    after(async () => {
      shell?.stop();
      await server?.stop("SIGTERM");
      await database?.remove();
      await rm(folder, { recursive: true, force: true });
    });

    for (const path of paths) {
      it(`${path} run, and print what it shows`, HANGING, async () => {
        for (const snippet of (await snippetsOf(path)).filter((snippet) => !isElsewhere(snippet))) {
          for (const [text, sql] of Object.entries(PREPARED))
            if (snippet.code.includes(text)) await database.query(sql);
          if (snippet.language === "sh") await runs(shell, replaced(named(snippet.code), known));
          if (snippet.language === "console") await shows(shell, snippet, known);
        }
      });
    }
  });
}

/** The first producer that a snippet calls NAME signs as Standard Webhooks does, the second as GitHub. */
const named = (code: string): string =>
  code.replace("/ingest/NAME", "/ingest/signed").replace("/ingest/NAME", "/ingest/forge");

/** Runs a script. No request in it may be refused. */
async function runs(shell: Shell, code: string): Promise<void> {
  const { printed, exitCode } = await shell.run(`( set -e; curl() { command curl --fail-with-body "$@"; }\n${code}\n)`);
  assert.equal(exitCode, 0, `${code}\n${printed}`);
}

/** Runs commands and compares what they print. What differs from run to run is replaced in the commands after it. */
async function shows(shell: Shell, { code }: Snippet, known: Map<string, string>): Promise<void> {
  for (const { command, expected } of stepsOf(code).filter(({ command }) => !command.includes("…"))) {
    const { printed } = await shell.run(replaced(command, known));
    const shown = replaced(expected, new Map([...known].slice(0, 1)));
    assert.ok(isShown(shown, printed), `$ ${command}\nis shown to print\n${expected}\nand prints\n${printed}`);
    const values = volatileIn(printed);
    for (const [index, text] of volatileIn(expected).entries()) known.set(text, values[index] ?? text);
  }
}

const replaced = (text: string, known: ReadonlyMap<string, string>): string =>
  [...known].reduce((result, [from, to]) => result.replaceAll(from, to), text);

describe("the snippets that run elsewhere", () => {
  it("exist", async () => {
    const all = (await Promise.all(READMES.map(snippetsOf))).flat();
    const gone = Object.keys(ELSEWHERE).filter((text) => !all.some(({ code }) => code.includes(text)));
    assert.deepEqual(gone, []);
  });

  it("are the tested code, where they are TypeScript without packages", async () => {
    const [poll] = (await snippetsOf("src/events/list/README.md")).filter(({ language }) => language === "ts");
    assert.equal(poll?.code, readFileSync(join(import.meta.dirname, "poll.ts"), "utf8"));
  });
});

describe("the comparison of a snippet with what is printed", () => {
  it("ignores what differs from run to run, and nothing else", () => {
    assert.ok(isShown(`{"uuids":["${"a".repeat(32)}"]}`, `{"uuids":["${"b".repeat(32)}"]}\n`));
    assert.ok(isShown("one …\n…\nlast", "one two\nthree\nfour\nlast\n"));
    assert.ok(isShown("name  n\nada   1", "name\tn\nada\t1"));
    assert.ok(!isShown('{"count":300}', '{"count":301}'));
    assert.ok(!isShown("one", "one\ntwo"));
  });
});
