import { once } from "node:events";
import { createServer } from "node:net";
import { Failure } from "./failure.ts";

export const HOST = "127.0.0.1";

/** Asked first, for an answer in a line: wrangler would say it in a page, after seconds of work. */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer().listen({ host: HOST, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new Failure(`Port ${port} is in use. Stop what uses it, or choose another with the variable PORT.`);
    }
    if (code === "EACCES")
      throw new Failure(`Port ${port} may not be used by this user. Choose one above 1023 with the variable PORT.`);
    throw error;
  }
  server.close();
  await once(server, "close");
}
