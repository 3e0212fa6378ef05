import { HttpError, reason } from "../http/errors.ts";
import { utf8 } from "../values/bytes.ts";
import type { OpenRead } from "./open-reads.ts";

/**
 * A body that is made while the client takes it, one text at a time. `open` is closed when it ends, or the client goes
 * away. An error ends it: the client asks again from where it is, and learns then what is wrong. `request`: its id, for the log.
 */
export function streamOf(request: string, texts: AsyncGenerator<string>, open: OpenRead): ReadableStream<Uint8Array> {
  let isTaken = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      open.goesOn();
      try {
        const { done, value } = await texts.next();
        // The client has gone away meanwhile.
        if (!isTaken) return;
        if (!done) return controller.enqueue(utf8(value));
      } catch (error) {
        if (!(error instanceof HttpError)) console.error(JSON.stringify({ level: "error", request, ...reason(error) }));
      }
      open.close();
      controller.close();
    },
    cancel() {
      isTaken = false;
      open.close();
      // Not awaited: the generator may be waiting, and ends by itself then.
      void texts.return(undefined);
    },
  });
}
