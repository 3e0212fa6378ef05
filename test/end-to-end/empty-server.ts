import { LocalDatabase } from "./local-database.ts";
import { LocalServer } from "./local-server.ts";

/** A server that `npm start` runs, and its database, which is empty at first and which others may open beside it. */
export interface EmptyServer {
  server: LocalServer;
  database: LocalDatabase;
  /** Stops the server and deletes the database. */
  remove: () => Promise<void>;
}

export async function startEmptyServer(secrets: { STAFF_TOKEN: string; INGEST_SECRET: string }): Promise<EmptyServer> {
  const database = await LocalDatabase.missing();
  try {
    const { stateDir } = database.target;
    const server = await LocalServer.start({ ...secrets, STATE_DIR: stateDir, SAMPLE_EVENTS: "0" });
    const remove = async () => {
      await server.stop("SIGTERM");
      await database.remove();
    };
    return { server, database, remove };
  } catch (error) {
    await database.remove();
    throw error;
  }
}
