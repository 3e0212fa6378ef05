import { rm } from "node:fs/promises";
import { users } from "../auth/table.ts";
import type { Api } from "./api.ts";
import { readAuthentication } from "./authentication.ts";
import { assertRestored } from "./backup/unfinished.ts";
import { banner } from "./banner.ts";
import { runCron, runCronOnce } from "./cron.ts";
import { applyMigrations, query } from "./d1.ts";
import { report } from "./failure.ts";
import { assertPortFree } from "./port.ts";
import { stopProcesses } from "./processes.ts";
import { countStored, loadSamples } from "./samples.ts";
import { localSecrets, readDevVars, writeVariables } from "./secrets.ts";
import { type Server, serverReady, startServer } from "./server.ts";
import { readSettings, type Settings } from "./settings.ts";
import { builder } from "./sql.ts";
import { lockStateDir, openStateDir } from "./state-dir.ts";
import type { Target } from "./target.ts";
import { insertToken, insertUser, isNamed } from "./users.ts";

const STAFF = { username: "staff", isStaff: true, isSupport: false };

/** Rejects with undefined when the user stops the command, so that the current step is abandoned at once. */
const stopRequested = Promise.withResolvers<never>();
// The terminal sends a signal, and npm sends it again. The second one changes nothing.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stopRequested.reject(undefined));

process.exitCode = await run();
process.exit();

async function run(): Promise<number> {
  const cleanUp: (() => Promise<void> | void)[] = [stopProcesses];
  try {
    await Promise.race([stopRequested.promise, start(readSettings(process.env), cleanUp)]);
    return 0;
  } catch (error) {
    if (error !== undefined) return report(error);
    console.log("Stopping …");
    return 0;
  } finally {
    for (const step of cleanUp) await step();
  }
}

async function start(settings: Settings, cleanUp: (() => Promise<void> | void)[]): Promise<void> {
  const { port, stateDir, sampleEvents } = settings;
  await assertPortFree(port);
  const devVars = await readDevVars();
  const authentication = await readAuthentication(process.env, devVars);
  const warning = await openStateDir(stateDir);
  const unlock = lockStateDir(stateDir);
  if (warning !== undefined) console.warn(warning);
  const { staffToken, ingestSecret, producers } = await localSecrets(settings, devVars);
  const target = { remote: false, stateDir } as const;
  console.log(`Applying the migrations to the database in ${stateDir} …`);
  await applyMigrations(target);
  await assertRestored(target);
  await ensureStaff(target, staffToken);
  console.log("Starting the server …");
  const envFile = await writeVariables(stateDir, producers, authentication);
  // The next server may write its own file as soon as the lock is free.
  cleanUp.push(() => rm(envFile, { force: true }), unlock);
  const server = startServer(port, stateDir, envFile);
  const api = { url: server.url, ingestSecret };
  await Promise.race([server.died, prepare(server, api, target, sampleEvents)]);
  console.log(banner(api, authentication.mode === "local" ? { staffToken } : { waldurUrl: authentication.url }));
  server.log.showAll();
  runCron(server.url);
  await server.died;
}

/** Waits for the server and loads the sample events. */
async function prepare(server: Server, api: Api, target: Target, sampleEvents: number): Promise<void> {
  await serverReady(server);
  const count = await countStored(target);
  // In an empty log, it is known at once up to when nothing is missing (src/ingest/watermark/README.md).
  if (count === 0) await runCronOnce(server.url);
  if (count > 0) return console.log(`The database has ${count.toLocaleString("en")} events.`);
  if (sampleEvents === 0)
    return console.log("The database is empty. SAMPLE_EVENTS is 0, so no sample events are loaded.");
  console.log(`Loading ${sampleEvents.toLocaleString("en")} sample events through the webhook …`);
  await loadSamples(api, target, sampleEvents);
}

async function ensureStaff(target: Target, token: string): Promise<void> {
  const restore = builder.update(users).set({ isStaff: true, isActive: true }).where(isNamed(STAFF.username));
  await query(target, insertUser(STAFF), restore, insertToken(STAFF, token));
}
