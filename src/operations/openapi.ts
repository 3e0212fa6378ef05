import { type Answer, COMMON, detailAnswer, type Json, RATE_LIMIT, response, withoutContent } from "../http/openapi.ts";

const HEADERS = [...COMMON, "Allow"] as const;

const answers = {
  401: detailAnswer(
    "Neither METRICS_TOKEN nor the token of staff.",
    [...HEADERS, "WWW-Authenticate"],
    "Invalid token.",
  ),
  405: detailAnswer("The method is another one than GET and HEAD.", HEADERS, 'Method "POST" not allowed.'),
  429: detailAnswer(
    "Too many requests, or too many failed authentications.",
    [...HEADERS, ...RATE_LIMIT],
    "Request was throttled. Expected available in 60 seconds.",
  ),
  503: detailAnswer(
    "The database, which knows the tokens of staff, does not answer.",
    [...HEADERS, "Retry-After"],
    "Nobody can tell whether the token is that of staff; METRICS_TOKEN works without the database.",
  ),
};

const readiness = (description: string, example: unknown): Answer => ({
  description,
  headers: [...HEADERS, "Retry-After"],
  schema: {
    type: "object",
    required: ["ready", "problems"],
    properties: {
      ready: { type: "boolean" },
      problems: {
        type: "object",
        description: "A sentence for each part that does not work.",
        additionalProperties: { type: "string" },
      },
    },
  },
  example,
});

const ready = readiness("Reading and writing work.", { ready: true, problems: {} });
const notReady = readiness("Reading or writing does not work.", {
  ready: false,
  problems: { backlog: "A message has waited in the queue for more than 5 minutes." },
});

const metrics = {
  tags: ["operations"],
  description:
    "For Prometheus. For the secret METRICS_TOKEN and for staff. In Prometheus' text format for an `Accept` with `text/plain` only.",
  security: [{ metricsToken: [] }, { token: [] }],
};
const readyz = {
  tags: ["operations"],
  description: "Public. The answer is up to ten seconds old.",
  security: [],
};

const text = (example: string) => ({ schema: { type: "string" }, example });

const written = (write: (answer: Answer) => Json, all: Readonly<Record<number, Answer>>): Json =>
  Object.fromEntries(Object.entries(all).map(([status, answer]) => [status, write(answer)]));

export const operationsPaths: Json = {
  "/metrics": {
    get: {
      operationId: "metrics",
      summary: "Metrics",
      ...metrics,
      responses: {
        200: {
          ...response({ description: "The metrics.", headers: [...HEADERS, "Vary"] }),
          content: {
            "application/openmetrics-text": text(
              "# TYPE edge_events_database_up gauge\nedge_events_database_up 1\n# EOF\n",
            ),
            "text/plain": text("# TYPE edge_events_database_up gauge\nedge_events_database_up 1\n"),
          },
        },
        ...written(response, answers),
      },
    },
    head: {
      operationId: "metrics_head",
      summary: "Metrics: the headers only",
      ...metrics,
      responses: {
        200: withoutContent({ description: "The headers only.", headers: [...HEADERS, "Vary"] }),
        ...written(withoutContent, answers),
      },
    },
  },
  "/readyz": {
    get: {
      operationId: "readyz",
      summary: "Whether reading and writing work",
      ...readyz,
      responses: written(response, { 200: ready, 405: answers[405], 429: answers[429], 503: notReady }),
    },
    head: {
      operationId: "readyz_head",
      summary: "Whether reading and writing work: the status only",
      ...readyz,
      responses: written(withoutContent, { 200: ready, 405: answers[405], 429: answers[429], 503: notReady }),
    },
  },
};
