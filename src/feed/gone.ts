import { HttpError } from "../http/errors.ts";

/** 410: an offset after which not everything can be told. */
export const gone = (why: string): HttpError =>
  new HttpError(410, { detail: `${why} Start again: offset=-1 is the oldest valid one.`, offset: "-1" });
