import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../end-to-end/local-server.ts";
import { exitCode, hasPrinted, ProjectCopy } from "../../end-to-end/project-copy.ts";
import { StandInWaldur } from "../../end-to-end/stand-in-waldur.ts";
import type { Program } from "./programs.ts";

const README = new URL("../../../src/http/README.md", import.meta.url);
export const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
export const EVENTS = 120;
const UUID = "5".repeat(32);

/** The addresses of the examples in src/http/README.md. */
interface Addresses {
  /** Of the proxy. */
  portal: string;
  /** Of this server. */
  events: string;
  waldur: string;
}

/** Writes a configuration with an example of the README into an empty folder, and starts a proxy with it. */
export type StartProxy = (example: string, folder: string, portal: URL) => Promise<Program>;

/** Starts a proxy, and returns what stops it and removes its files. `language`: of the example in the README. */
export async function startedProxy(language: string, startProxy: StartProxy, addresses: Addresses) {
  const folder = await mkdtemp(join(tmpdir(), "edge-events-proxy-"));
  const proxy = await startProxy(await example(language, addresses), folder, new URL(addresses.portal));
  await proxy.answersAt(addresses.portal);
  return async () => {
    await proxy.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** What `https://waldur.example.com` is in the README: a proxy in front of a Waldur and of this server. */
export class Portal {
  readonly url: string;
  readonly waldur: StandInWaldur;
  readonly #stop: () => Promise<void>;

  private constructor(url: string, waldur: StandInWaldur, stop: () => Promise<void>) {
    this.url = url;
    this.waldur = waldur;
    this.#stop = stop;
  }

  static async start(language: string, startProxy: StartProxy): Promise<Portal> {
    const [url, port] = [`http://127.0.0.1:${await freePort()}`, String(await freePort())];
    const waldur = await StandInWaldur.start({ [STAFF_TOKEN]: { uuid: UUID, is_staff: true } });
    const addresses = { portal: url, events: `http://127.0.0.1:${port}`, waldur: waldur.url };
    const stopProxy = await startedProxy(language, startProxy, addresses);
    const copy = await ProjectCopy.create();
    const settings = ["AUTH=waldur", `WALDUR_URL=${url}`, `PUBLIC_ORIGIN=${url}`].join("\n");
    const run = await copy.start(settings, { PORT: port, STAFF_TOKEN, SAMPLE_EVENTS: String(EVENTS) });
    const stop = async () => {
      run.child.kill("SIGTERM");
      await exitCode(run);
      await Promise.all([stopProxy(), waldur.stop(), copy.remove()]);
    };
    await hasPrinted(run, "Ready at").catch(async (error) => {
      await stop();
      throw error;
    });
    return new Portal(url, waldur, stop);
  }

  /** One request through the proxy, as staff. */
  get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
    const all = { Authorization: `Token ${STAFF_TOKEN}`, ...headers };
    return fetch(new URL(path, this.url), { method, headers: all, redirect: "manual" });
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

/** The example of a language in the README, with other addresses. Throws when an address is not in it. */
async function example(language: string, { portal, events, waldur }: Addresses): Promise<string> {
  const readme = await readFile(README, "utf8");
  const [, text = ""] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readme) ?? [];
  const replacements = [
    ["https://events.example.com", events],
    ["http://waldur.internal:8080", waldur],
    ...(text.includes("waldur.example.com") ? [["waldur.example.com", portal]] : []),
  ];
  return replacements.reduce((config, [from = "", to = ""]) => {
    if (!config.includes(from)) throw new Error(`The example for ${language} has no ${from}.`);
    return config.replaceAll(from, () => to);
  }, text);
}
