import type { NewEvent } from "../../src/events/event.ts";
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

/** Numbers from 0 to 1 that are always the same for a seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Events over 18 months: some come late, a third share their time with others, matches are uneven over time. */
export function bigLog(count: number, seed: number): NewEvent[] {
  const random = randomNumbers(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] ?? (list[0] as T);
  return Array.from({ length: count }, (_, index) => {
    const share = random() < 0.03 ? random() : index / count;
    const exact = START + share * SPAN;
    const created = Math.round(random() < 0.3 ? Math.floor(exact / 6e11) * 6e11 : exact);
    const rarity = random();
    const type = TYPES[rarity < 0.6 ? 0 : rarity < 0.9 ? 1 : rarity < 0.99 ? 2 : rarity < 0.998 ? 3 : 4] ?? "";
    return anEvent({
      created,
      eventType: type,
      message: `${pick(WORDS)} ${index % 97} ${share < 0.2 ? "early" : pick(WORDS)}`,
      context: {
        ...(random() < 0.8 ? { customer_uuid: CUSTOMERS[Math.floor(random() ** 2 * 3)] } : {}),
        ...(random() < 0.5 ? { user_uuid: pick(USERS) } : { affected_user_uuid: pick(USERS) }),
        ...(random() < 0.1 ? { auth_method: pick(["token", "pat"]) } : {}),
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
