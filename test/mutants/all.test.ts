/// <reference types="vite/types/importMeta.d.ts" />
import { expect, it } from "vitest";
import { allMutants } from "./all.ts";

const sources = import.meta.glob<string>("../../{src,migrations}/**/*.{ts,sql}", {
  query: "?raw",
  import: "default",
  eager: true,
});

it("each planted bug fits the sources: after a change of src, its search text changes, too, or the bug goes", () => {
  const unfit = allMutants.filter(({ file, search }) => (sources[`../../${file}`] ?? "").split(search).length !== 2);

  expect(unfit.map(({ file, bug, search }) => ({ file, bug, search }))).toEqual([]);
});
