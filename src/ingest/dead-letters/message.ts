import * as v from "valibot";

/** Characters of an error that are kept. */
export const MAX_DETAIL_LENGTH = 500;

/** Why a message was given up, and after how many deliveries. */
export interface Cause {
  reason: string;
  detail: string;
  attempts: number;
}

const header = v.object({
  dead: v.object({ reason: v.string(), detail: v.string(), attempts: v.pipe(v.number(), v.safeInteger()) }),
});

/** A message for the dead-letter queue: a line with the cause, then the body as it was. */
export function packDeadLetter({ reason, detail, attempts }: Cause, body: unknown): string {
  return `${JSON.stringify({ dead: { reason, detail: detail.slice(0, MAX_DETAIL_LENGTH), attempts } })}\n${asText(body)}`;
}

/** Unpacks a message of `packDeadLetter`. A message that the platform moved here by itself has no cause. */
export function unpackDeadLetter(body: unknown): { cause?: Cause; body: string } {
  const text = asText(body);
  const end = text.indexOf("\n");
  try {
    return { cause: v.parse(header, JSON.parse(text.slice(0, Math.max(end, 0)))).dead, body: text.slice(end + 1) };
  } catch {
    return { body: text };
  }
}

/** The body of a message as text, whatever was sent. */
export const asText = (body: unknown): string => (typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
