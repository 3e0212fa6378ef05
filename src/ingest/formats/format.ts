import { badRequest } from "../../http/errors.ts";
import { parseJson } from "../../values/json.ts";
import type { Body } from "../body.ts";
import type { GivenId } from "../identity.ts";
import { jsonErrorPosition } from "./json-error.ts";

/** An event as a format understands it, not yet checked. */
export interface Draft {
  /** `{uuid?, created?, event_type, message, context?}`, if it is right. */
  value: unknown;
  /** The id the format gives it. */
  id?: GivenId;
  /** What the format itself finds wrong. */
  problems?: Problem[];
  /** What the format calls our fields, where that differs. */
  names?: Readonly<Record<string, string>>;
}

export interface Problem {
  field: string;
  message: string;
}

export interface ReadEvents {
  drafts: Draft[];
  /** What was lost on the way, for the answer. */
  warnings?: string[];
  /** A body without an event is right. */
  mayBeEmpty?: boolean;
}

/** Reads the events of a body; throws 400 when it cannot be read at all. */
export type Format = (body: Body, headers: Headers) => Promise<ReadEvents>;

/** Parses JSON; throws a 400 that tells the position. `what` begins its sentence. */
export function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch {
    const position = jsonErrorPosition(text);
    throw badRequest({ detail: `${what} is not valid JSON: error at character ${position}.`, position });
  }
}
