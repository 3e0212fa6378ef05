import { database } from "../db/client.ts";
import { type StoredIdentity, storedIdentities } from "../events/write/stored.ts";
import { badRequest, HttpError, unavailable } from "../http/errors.ts";
import { withDeadline } from "../values/deadline.ts";
import { parseJson } from "../values/json.ts";
import { isDigest } from "../values/uuid.ts";
import type { NamedEvent } from "./accept.ts";
import { contentUuid, substituteUuid } from "./identity.ts";
import type { Producer } from "./producers/find.ts";

/** Milliseconds that the database has to answer. After that the events are accepted, and the consumer looks again. */
const LOOKUP_DEADLINE_MS = 1_000;

type Sender = Pick<Producer, "name" | "isUpstream">;
type Identities = ReadonlyMap<string, StoredIdentity>;

/**
 * The events with the uuids that they are going to have. A uuid that belongs to an event of another producer is replaced,
 * with a warning. Throws 409 when the id of an event is the id of another event of its producer, in the table or in the
 * same request, and 400 for the uuid of another producer's event that the server has derived. One round trip for all
 * events with an id, and one more when a uuid is replaced.
 */
export async function settleUuids(binding: D1Database, sender: Sender, events: readonly NamedEvent[]) {
  const named = events.filter(({ content }) => content !== undefined);
  if (named.length === 0) return { events, warnings: [] };
  const stored = await lookUp(binding, named);
  const known = await Promise.all(events.map((event) => asStored(sender, event, stored?.get(event.uuid))));
  assertNotDerived(sender, known, stored);
  const foreign = new Set(known.filter((event) => isForeign(sender, event, stored?.get(event.uuid))));
  const settled = await Promise.all(known.map((event) => (foreign.has(event) ? substituted(sender, event) : event)));
  const substitutes = settled.filter((event, index) => event !== known[index]);
  const others = substitutes.length > 0 ? await lookUp(binding, substitutes) : undefined;
  assertNoConflict(sender, settled, new Map([...(stored ?? []), ...(others ?? [])]));
  return { events: settled, warnings: warningsOf(foreign.size) };
}

/**
 * An event that its own producer, or upstream, sends back as the read API has printed it: one that was first sent with an
 * id and without a time has got that of its receipt since. For another producer, this would tell when an event of which
 * it knows the rest was received.
 */
async function asStored(
  { name, isUpstream }: Sender,
  event: NamedEvent,
  stored: StoredIdentity | undefined,
): Promise<NamedEvent> {
  const { hasOwnUuid, created, eventType, message, context } = event;
  if (!hasOwnUuid || stored?.created !== created || stored.content === event.content) return event;
  if (stored.producer !== name && !isUpstream) return event;
  const untimed = await contentUuid({ created: null, eventType, message, context: parseJson(context) });
  return stored.content === untimed ? { ...event, content: untimed } : event;
}

/** Whether the uuid belongs to another event of a producer that need not give it up. */
function isForeign({ name, isUpstream }: Sender, { content }: NamedEvent, stored: StoredIdentity | undefined): boolean {
  if (content === undefined || stored === undefined || stored.content === content) return false;
  if (stored.producer === name) return stored.isUpstream && !isUpstream;
  return !isUpstream || stored.isUpstream;
}

const substituted = async ({ name }: Sender, event: NamedEvent): Promise<NamedEvent> => ({
  ...event,
  uuid: await substituteUuid(name, event.uuid),
});

function warningsOf(replaced: number): string[] {
  if (replaced === 0) return [];
  const what = replaced === 1 ? "1 uuid belongs" : `${replaced} uuids belong`;
  return [`${what} to events of another producer; \`uuids\` has the replacements.`];
}

/**
 * A uuid that the server derives could be computed before its event is sent, and so be taken from it. Only upstream may
 * send one, or a producer for an event that is stored and equal, or its own. Otherwise the answer is the same whether or
 * not the uuid is in use. While the database does not answer, nobody may: an event that is sent back as it was printed
 * would be taken for another one, and be stored twice.
 */
function assertNotDerived(sender: Sender, events: readonly NamedEvent[], stored: Identities | undefined): void {
  const derived = [...events.entries()].filter(
    ([, { uuid, content, hasOwnUuid }]) => hasOwnUuid && content !== undefined && isDigest(uuid),
  );
  if (derived.length === 0) return;
  if (stored === undefined) throw unavailable("The uuids could not be checked; send the events again.");
  if (sender.isUpstream) return;
  const unknown = derived.filter(([, { uuid, content }]) => {
    const there = stored.get(uuid);
    return there?.content !== content && there?.producer !== sender.name;
  });
  if (unknown.length === 0) return;
  const message = "Must not be a UUID of version 8, which this server derives from events; leave it out.";
  const errors = unknown.map(([index]) => ({ index, field: "uuid", message }));
  throw badRequest({ detail: `${errors.length} of ${events.length} events are not valid; none was accepted.`, errors });
}

function assertNoConflict({ name, isUpstream }: Sender, events: readonly NamedEvent[], stored: Identities): void {
  const contents = new Map<string, string>();
  const conflicts = [...events.entries()].flatMap(([index, { uuid, content }]) => {
    if (content === undefined) return [];
    const there = stored.get(uuid);
    const makesWay = there !== undefined && isUpstream && !there.isUpstream && there.producer !== name;
    const known = contents.get(uuid) ?? (makesWay ? undefined : there?.content) ?? content;
    contents.set(uuid, known);
    return known === content ? [] : [{ index, uuid, content_stored: known, content_sent: content }];
  });
  if (conflicts.length === 0) return;
  const detail = `${conflicts.length} of ${events.length} events have an id that names an event with other content; none was accepted.`;
  throw new HttpError(409, { detail, conflicts });
}

/** The stored events of the uuids; undefined when the database does not answer in time. */
async function lookUp(binding: D1Database, named: readonly NamedEvent[]): Promise<Identities | undefined> {
  const found = storedIdentities(
    database(binding),
    named.map(({ uuid }) => uuid),
  );
  try {
    return await withDeadline(found, LOOKUP_DEADLINE_MS, "The database did not answer in time.");
  } catch (error) {
    console.warn(JSON.stringify({ level: "warn", event: "conflicts_not_looked_up", error: String(error) }));
    return undefined;
  }
}
