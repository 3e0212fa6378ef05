export const HINT = "To see all options, run: npm run tail -- --help";

export const USAGE = `Usage: npm run --silent tail -- --url URL [OPTIONS]

Prints what is in the log and then, as it comes, what is new: each message once, in the order of the log. It goes on after
failures of the network and the server; only a signal, the end of the reader, --once or --limit ends it.

  --url URL         The server, such as https://events.example.com. Default: EDGE_EVENTS_URL of the environment.
  --token TOKEN     Better EDGE_EVENTS_TOKEN of the environment: every user of a machine can read its command lines.
  --state FILE      Remembers there how far it has come, and goes on from there. Use the path from the root: npm changes
                    the folder. The file is for one collector, and for the same URL and filters.
  --from PLACE      beginning, now, or an offset. Default: that of --state, else the beginning. Replaces what --state has.
  --format FORMAT   ndjson: the messages as the server wrote them, one a line; pretty: time, type, message.
                    Default: pretty on a terminal, else ndjson.
  --limit N         Ends after N messages.
  --once            Ends when nothing more is there.

Filters; an event must pass each of them
  --type TYPE, --feature GROUP                       may be repeated: any of these
  --customer UUID, --project UUID, --scope URL       the objects it is about
  --user UUID, --related-user UUID                   who did it; who did it or to whom it was done
  --message TEXT, --auth-method TEXT, --pat UUID
  --created-from TIME, --created-to TIME             a day, a time such as 2027-01-31T12:00:00Z, or Unix seconds

Exit codes: 0 ended as asked (also by SIGINT or SIGTERM, or when the reader of the output has gone), 1 failed, 2 wrong
usage, 3 the server no longer has what follows the position: start again with --from beginning.`;
