import { aPerson } from "../../support/people.ts";
import { get } from "../../support/world.ts";

/** The answer of the list to a bad filter. */
export async function refusal(search: string) {
  const response = await get(`/api/events/${search}`, (await aPerson({ staff: true })).token);
  return { status: response.status, body: await response.json() };
}
