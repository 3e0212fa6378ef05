import { deadLetterOf, keepStatements } from "../../ingest/dead-letters/letter.ts";
import { contentUuid } from "../../ingest/identity.ts";
import { microsecondsNow } from "../../values/time.ts";
import { query } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { command } from "./command.ts";

const EVENT = { eventType: "user_activated", message: "This event is for practice with dead letters.", context: {} };
const CAUSE = { reason: "practice", detail: "Made by dead-letters make-one; nothing is wrong.", attempts: 1 };

/** Makes a dead letter like those that the consumer makes, with an event that the database would take. */
export const makeDeadLetter = command({
  name: "dead-letters make-one",
  usage: "[--producer NAME]",
  help: `Makes a dead letter to practise with: its event is valid, so a replay stores it. Default of NAME: local.
Works on local data only.`,
  options: { producer: { type: "string", default: "local" } },
  async run({ target, values: { producer } }) {
    if (target.remote) throw new Failure("dead-letters make-one works on local data only.", WRONG_USAGE);
    const now = microsecondsNow();
    const { context, ...event } = EVENT;
    const uuid = await contentUuid({ ...event, context, created: now });
    const sent = { uuid, ...event, context: JSON.stringify(context), created: now, producer, receivedAt: now };
    const letter = await deadLetterOf(sent, { ...CAUSE, replay: false });
    await query(target, ...keepStatements(JSON.stringify([letter]), now));
    console.log(letter.id);
  },
});
