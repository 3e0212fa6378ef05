/// <reference types="vite/types/importMeta.d.ts" />
import { vi } from "vitest";
import eventTypes from "../../src/catalogue/event-types.json" with { type: "json" };

const readmes = import.meta.glob<string>("../../src/catalogue/README.md", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The number of the first type that is added to the catalogue. */
export const NEXT_NUMBER = eventTypes.length + 1;

/** The migration that src/catalogue/README.md shows, for types at the end of the catalogue. */
export function migrationFor(...names: readonly string[]): string {
  const [, shown = ""] = /```sql\n([\s\S]*?)```/.exec(Object.values(readmes).join("")) ?? [];
  const [, begin = "", row = ""] = /^([\s\S]*VALUES\s+)(\(\d+, '\w+'\));\s*$/.exec(shown) ?? [];
  const rows = names.map((name, index) =>
    row.replace(/\d+/, String(NEXT_NUMBER + index)).replace(/'\w+'/, `'${name}'`),
  );
  return `${begin}${rows.join(", ")};`;
}

/**
 * The Worker after its catalogue got types by the steps of src/catalogue/README.md: these are in a group, and belong to the
 * user of their context. Its own modules, with empty caches.
 */
export async function workerWith(group: string, ...names: readonly string[]) {
  vi.resetModules();
  const [types, groups, scopeKeys] = await Promise.all([
    import("../../src/catalogue/event-types.json"),
    import("../../src/catalogue/event-groups.json"),
    import("../../src/catalogue/event-scope-keys.json"),
  ]);
  types.default.push(...names);
  Object.assign(groups.default, { [group]: names });
  Object.assign(scopeKeys.default, Object.fromEntries(names.map((name) => [name, ["user_uuid"]])));
  return { ...(await import("../support/world.ts")), ...(await import("../../src/http/cache.ts")) };
}

/** Later imports have the catalogue as it is. */
export const forgetTomorrow = (): void => {
  vi.resetModules();
};
