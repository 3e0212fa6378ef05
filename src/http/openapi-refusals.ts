import {
  type Answer,
  COMMON,
  detailAnswer,
  type HeaderName,
  type Json,
  RATE_LIMIT,
  ref,
  response,
  withoutContent,
} from "./openapi.ts";

/** Headers of every response to somebody who reads. */
export const READING: readonly HeaderName[] = [
  ...COMMON,
  ...(["Allow", "Content-Language", "Vary", "Server-Timing", "X-D1-Bookmark", "X-Impersonator-Uuid"] as const),
];

/** The refusals of a request that reads, by status, with their names among the responses of the document. */
export const failures: Readonly<Record<number, [name: string, answer: Answer]>> = {
  400: [
    "BadRequest",
    {
      description: "A parameter or a header is not valid. All parameters that are not valid are named.",
      headers: READING,
      schema: ref("schemas", "FilterErrors"),
      example: { created_from: ["Enter a number."], customer_uuid: ["Enter a valid UUID."] },
    },
  ],
  401: [
    "NotAuthenticated",
    detailAnswer("Nobody is authenticated.", [...READING, "WWW-Authenticate"], "Invalid token."),
  ],
  403: [
    "Forbidden",
    detailAnswer(
      "The method is another one than GET, HEAD and OPTIONS, and the user is not staff.",
      READING,
      "You do not have permission to perform this action.",
    ),
  ],
  404: [
    "NotFound",
    detailAnswer("There is no such page or event, or the user may not see it.", READING, "Invalid page."),
  ],
  405: [
    "MethodNotAllowed",
    detailAnswer("The method is another one than GET, HEAD and OPTIONS.", READING, 'Method "POST" not allowed.'),
  ],
  406: [
    "NotAcceptable",
    detailAnswer("The header `Accept` excludes JSON.", READING, "Could not satisfy the request Accept header."),
  ],
  429: [
    "TooManyRequests",
    detailAnswer(
      "Too many requests, too many failed authentications, or searches that read too many rows to be counted.",
      [...READING, ...RATE_LIMIT],
      "Request was throttled. Expected available in 60 seconds.",
    ),
  ],
  503: [
    "Unavailable",
    detailAnswer(
      "The Waldur that authenticates users does not answer.",
      [...READING, "Retry-After"],
      "Waldur, which knows the users, does not answer.",
    ),
  ],
};

/** Those responses; for HEAD without content. */
export const readingResponses: Json = Object.fromEntries(
  Object.values(failures).flatMap(([name, answer]) => [
    [name, response(answer)],
    [`${name}Head`, withoutContent(answer)],
  ]),
);
