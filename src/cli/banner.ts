import { type Api, ingestUrl } from "./api.ts";

const EXAMPLE = {
  event_type: "user_activated",
  message: "User Ada Lovelace has been activated.",
  context: { user_username: "ada" },
};

/** Whose tokens the API accepts: the one of the local staff, or those of a Waldur. */
type Readers = { staffToken: string } | { waldurUrl: string };

/** The text that `npm start` prints when the server is ready. */
export function banner(api: Api, readers: Readers): string {
  const { url, ingestSecret } = api;
  const token = shellQuoted(`Authorization: Token ${"staffToken" in readers ? readers.staffToken : "TOKEN"}`);
  const bearer = shellQuoted(`Authorization: Bearer ${ingestSecret}`);
  return `
  API          ${url}/api/events/
${readersLine(readers)}
  Ingest       ${ingestUrl(api)}  with the secret  ${ingestSecret}

  For the examples of the READMEs
    ${variables(api, readers)}

  Three things to try
    curl -sS -w "\\n" -H ${token} ${shellQuoted(`${url}/api/events/?page_size=3`)}
    curl -sS -w "\\n" -H ${token} ${shellQuoted(`${url}/api/events/count/`)}
    curl -sS -w "\\n" -H ${bearer} -H 'Content-Type: application/json' -d ${shellQuoted(JSON.stringify(EXAMPLE))} ${ingestUrl(api)}
  An event that is sent can be read a second or two later.

Ready at ${url}; Ctrl-C stops it. The server's log follows.
`;
}

/** An assignment for each variable that the READMEs use. */
function variables({ url, ingestSecret }: Api, readers: Readers): string {
  const token = "staffToken" in readers ? [`TOKEN=${shellQuoted(readers.staffToken)}`] : [];
  return [`API=${url}`, ...token, `SECRET=${shellQuoted(ingestSecret)}`].join(" ");
}

const readersLine = (readers: Readers): string =>
  "staffToken" in readers
    ? `  Staff token  ${readers.staffToken}`
    : `  Users        those of ${readers.waldurUrl}: replace TOKEN below by a token of that Waldur`;

/** The text as one word for sh. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
