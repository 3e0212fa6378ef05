/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };

/** A package as package-lock.json describes it. */
interface Package {
  version?: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Readonly<Record<string, string>>;
}

const files = import.meta.glob<string>(["../../.github/SECURITY.md", "../../.github/workflows/ci.yml"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const security = files["../../.github/SECURITY.md"] ?? "";
const workflow = files["../../.github/workflows/ci.yml"] ?? "";

/** Path → package; the path of the project itself is "". */
const packages: Readonly<Record<string, Package>> = lock.packages;
/** The packages that are there for the Worker. */
const installed = Object.entries(packages).filter(
  ([path, { dev, optional, devOptional }]) => path !== "" && !dev && !optional && !devOptional,
);

describe("the dependencies in SECURITY.md", () => {
  const rows = [...security.matchAll(/^\| `([^`]+)` \| ([\d.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  const listed = rows.map(([, name, version, license]) => ({ name, version, license }));

  it("are those of package.json, in their versions", () => {
    expect(Object.fromEntries(listed.map(({ name, version }) => [name, version]))).toEqual(packageJson.dependencies);
  });

  it("are all that package-lock.json installs for the Worker, so they have no dependencies of their own", () => {
    const locked = installed.map(([path, { version, license }]) => ({
      name: path.replace(/^node_modules\//, ""),
      version,
      license,
    }));
    expect(listed.toSorted(byName)).toEqual(locked.toSorted(byName));
    expect(installed.filter(([, { dependencies }]) => dependencies !== undefined)).toEqual([]);
  });

  it("are pinned by a SHA-512 and run nothing when they are installed", () => {
    for (const [, { integrity, hasInstallScript }] of installed) {
      expect(integrity).toMatch(/^sha512-/);
      expect(hasInstallScript).toBeUndefined();
    }
  });
});

it("SECURITY.md names the packages whose install scripts run", () => {
  const allowed = Object.keys(packageJson.allowScripts);
  expect(security).toContain(`install scripts of ${allowed.map((name) => `\`${name}\``).join(" and ")} only`);
});

it("CI asks the registry for advisories and signatures", () => {
  for (const command of ["npm audit --omit=dev", "npm audit --audit-level=high", "npm audit signatures"]) {
    expect(workflow).toContain(`- run: ${command}`);
  }
});

const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }): number =>
  (one.name ?? "").localeCompare(other.name ?? "");
