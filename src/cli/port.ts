import { once } from "node:events";
import { createServer } from "node:net";
import { Failure } from "./failure.ts";

export const HOST = "127.0.0.1";

/** Throws a Failure when the port cannot be used. wrangler would say so after seconds, in many lines. */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer().listen({ host: HOST, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw new Failure(
        `Port ${port} is in use. Stop the process that uses it, or choose another port with the variable PORT.`,
      );
    }
    if (code === "EACCES")
      throw new Failure(
        `Port ${port} needs more rights than this user has. Choose one above 1023 with the variable PORT.`,
      );
    throw error;
  }
  server.close();
  await once(server, "close");
}
