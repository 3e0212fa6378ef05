import * as v from "valibot";
import { badRequest } from "../../http/errors.ts";
import { MAX_JSON_DEPTH, parseJson, TooDeepError } from "../../values/json.ts";
import type { Body } from "../body.ts";
import { MAX_EVENTS } from "../event.ts";
import type { GivenId } from "../identity.ts";
import { jsonErrorPosition } from "./json-error.ts";

/** An event as its format reads it, not yet checked. */
export interface Draft {
  /** `{uuid?, created?, event_type, message, context?}`, when it is valid. */
  value: unknown;
  /** The id, from the attributes of the format. */
  id?: GivenId;
  /** Violations of the format itself. */
  problems?: Problem[];
  /** Our field → its name in this format, where that differs. */
  names?: Readonly<Record<string, string>>;
  /** Names of fields that are not kept, for a warning. */
  unknown?: readonly string[];
}

/** A violation: the field, by its name in the format, and a sentence about it. */
export interface Problem {
  field: string;
  message: string;
}

/** The events of a body, as its format reads them. */
export interface ReadEvents {
  drafts: Draft[];
  /** Data that was lost, for the response. */
  warnings?: string[];
  /** A body without events is valid. */
  mayBeEmpty?: boolean;
}

/** Reads the events of a body; throws 400 when it cannot be read at all. */
export type Format = (body: Body, headers: Headers) => Promise<ReadEvents>;

/** What valibot has found, in our words. Its own message for a missing key is about types. */
export const problemsOf = (issues: readonly v.BaseIssue<unknown>[]): Problem[] =>
  issues.map((issue) => ({
    field: v.getDotPath(issue) ?? "event",
    message: issue.kind === "schema" && issue.received === "undefined" ? "Is required." : issue.message,
  }));

/** Throws 400 for more events than one request may have. */
export function checkCount(count: number): void {
  if (count <= MAX_EVENTS) return;
  throw badRequest({ detail: `At most ${MAX_EVENTS} events fit in one request; this one has ${count}.` });
}

/** Parses JSON. Throws 400 with the position of the error, or the limit of levels; `what` is the subject of its sentence. */
export function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof TooDeepError)
      throw badRequest({ detail: `${what} is nested deeper than ${MAX_JSON_DEPTH} levels.` });
    const position = jsonErrorPosition(text);
    throw badRequest({ detail: `${what} is not valid JSON: error at character ${position}.`, position });
  }
}
