import type { Facts } from "./facts.ts";
import type { Family, Sample } from "./family.ts";

/** `openmetrics`: OpenMetrics 1.0. `text`: Prometheus' own format, for what cannot read that, such as promtool. */
export type Exposition = "openmetrics" | "text";

export const CONTENT_TYPES: Readonly<Record<Exposition, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
};

/** Characters of the value of a label; a name of a producer in the database has at most 100. */
const MAX_LABEL = 200;

/** What a client wants: Prometheus names both formats, OpenMetrics first, and promtool and curl are told nothing. */
export function expositionOf(accept: string | undefined): Exposition {
  const types = (accept ?? "").toLowerCase();
  return types.includes("text/plain") && !types.includes("application/openmetrics-text") ? "text" : "openmetrics";
}

/** The text of a scrape. A family without samples is left out. */
export function expose(families: readonly Family[], facts: Facts, exposition: Exposition): string {
  const known = families.map((family) => ({ family, samples: family.samples(facts) }));
  const lines = known
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ family, samples }) => [
      ...headOf(family, exposition),
      ...samples.map((sample) => line(family, sample)),
    ]);
  return `${[...lines, ...(exposition === "openmetrics" ? ["# EOF"] : [])].join("\n")}\n`;
}

/** In OpenMetrics, the family of a counter has no `_total`, and a name that ends in a unit has a line for it. */
function headOf({ name, type, help }: Family, exposition: Exposition): string[] {
  const family = exposition === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  const [, unit] = /_(seconds|bytes)$/.exec(family) ?? [];
  const units = exposition === "openmetrics" && unit !== undefined ? [`# UNIT ${family} ${unit}`] : [];
  return [`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${type}`, ...units];
}

function line({ name }: Family, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text.slice(0, MAX_LABEL))}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join()}}` : ""} ${printed(value)}`;
}

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"').toWellFormed();

const printed = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toFixed(3))) : value > 0 ? "+Inf" : "NaN";
