import { badRequest } from "../../http/errors.ts";
import { parseJson } from "../../values/json.ts";
import type { Body } from "../body.ts";
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

/** Parses JSON. Throws 400 with the position of the error; `what` is the subject of its sentence. */
export function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch {
    const position = jsonErrorPosition(text);
    throw badRequest({ detail: `${what} is not valid JSON: error at character ${position}.`, position });
  }
}
