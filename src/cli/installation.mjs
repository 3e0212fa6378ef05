// What install.mjs runs on Node 20 or newer: plain JavaScript without dependencies, because none is installed yet.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRESS_INTERVAL_MS = 5_000;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The folder whose dependencies are wanted. */
const FOLDER = resolve(ROOT, process.argv[2] ?? ".");
/** What npm writes as the last step of an installation, so it is absent after one that was interrupted. */
const INSTALLED = join(FOLDER, "node_modules", ".package-lock.json");
/** The Node that everything else runs on: an optional package for each platform. */
const OWN_NODE = join(ROOT, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");
/** Even where NODE_ENV=production is set: everything that runs here is a development dependency or a Node. */
const INCLUDED = ["--include=dev", "--include=optional"];
/** Without warnings: npm would warn that packages need a newer Node than its own; they run on the one it installs. */
const QUIET = ["--loglevel=error", "--no-audit", "--no-fund"];

if (!isInstalled()) await install();

function isInstalled() {
  if (!existsSync(INSTALLED) || !existsSync(OWN_NODE)) return false;
  const installed = packagesIn(INSTALLED);
  return Object.entries(packagesIn(join(FOLDER, "package-lock.json"))).every(([path, wanted]) => {
    // Optional packages may be for another platform; the entry "" is the project itself.
    if (installed[path] === undefined) return path === "" || wanted.optional || wanted.devOptional;
    return installed[path].version === wanted.version && installed[path].integrity === wanted.integrity;
  });
}

function packagesIn(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages ?? {};
}

async function install() {
  const what = FOLDER === resolve(ROOT) ? "dependencies" : "clients and tools that the tests use";
  console.error(`Installing the ${what} with npm ci: about half a minute, once …`);
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const progress = setInterval(() => console.error(`  still installing after ${seconds()} s …`), PROGRESS_INTERVAL_MS);
  const npm = spawn("npm", ["ci", ...INCLUDED, ...QUIET], {
    cwd: FOLDER,
    // All to stderr: what runs next may print data.
    stdio: ["inherit", process.stderr, "inherit"],
    shell: process.platform === "win32",
    env: { ...process.env, PATH: pathWithoutModules() },
  });
  const code = await new Promise((resolve) => {
    npm.on("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    npm.on("close", resolve);
  });
  clearInterval(progress);
  if (code === 0 && existsSync(OWN_NODE)) {
    console.error(`Installed in ${seconds()} s.`);
    return;
  }
  console.error(
    code === 0
      ? `There is no Node for ${process.platform} on ${process.arch} among the optionalDependencies of package.json.`
      : "The installation failed; npm says why above.",
  );
  process.exit(1);
}

/** npm must not run on the Node in node_modules, which it is about to delete. */
function pathWithoutModules() {
  const entries = (process.env.PATH ?? "").split(delimiter);
  return entries.filter((entry) => !entry.includes(`node_modules${sep}.bin`)).join(delimiter);
}
