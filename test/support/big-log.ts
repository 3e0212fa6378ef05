import type { NewEvent } from "../../src/events/event.ts";
import { Random } from "./random.ts";
import { anEvent, recorded } from "./world.ts";

const START = Date.UTC(2025, 1, 1) * 1000;
const SPAN = 540 * 86_400_000_000;

export const CUSTOMERS = ["c1", "c2", "c3"].map((name) => name.repeat(16));
export const USERS = ["d1", "d2"].map((name) => name.repeat(16));
/** From common to one in a thousand. */
export const TYPES = [
  "user_has_been_created_by_staff",
  "project_created",
  "issue_creation_succeeded",
  "token_created",
  "odd type",
];
const WORDS = [
  "volume",
  "Õun",
  "resized",
  "заявка",
  "漢字",
  "a%b",
  "x_y",
  "\\",
  '"quoted"',
  "Straße",
  "NEAR(",
  "tab\there",
];

/** Events over 18 months: some come late, a third share their time with others, matches are uneven over time. */
export function bigLog(count: number, seed: number): NewEvent[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => {
    const share = random.next() < 0.03 ? random.next() : index / count;
    const exact = START + share * SPAN;
    const created = Math.round(random.next() < 0.3 ? Math.floor(exact / 6e11) * 6e11 : exact);
    const rarity = random.next();
    const type = TYPES[rarity < 0.6 ? 0 : rarity < 0.9 ? 1 : rarity < 0.99 ? 2 : rarity < 0.998 ? 3 : 4] ?? "";
    return anEvent({
      created,
      eventType: type,
      message: `${random.pick(WORDS)} ${index % 97} ${share < 0.2 ? "early" : random.pick(WORDS)}`,
      context: {
        ...(random.next() < 0.8 ? { customer_uuid: CUSTOMERS[Math.floor(random.next() ** 2 * 3)] } : {}),
        ...(random.next() < 0.5 ? { user_uuid: random.pick(USERS) } : { affected_user_uuid: random.pick(USERS) }),
        ...(random.next() < 0.1 ? { auth_method: random.pick(["token", "pat"]) } : {}),
      },
    });
  });
}

/** Writes them in batches of 500. */
export async function load(events: readonly NewEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += 500) await recorded(...events.slice(start, start + 500));
}

/** The letters of a page token's URL, from a Link header. */
export function linkOf(response: Response, rel: string): string | undefined {
  return new RegExp(`<https://[^/]+([^>]*)>; rel="${rel}"`).exec(response.headers.get("Link") ?? "")?.[1];
}
