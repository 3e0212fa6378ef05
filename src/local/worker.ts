import worker from "../worker.ts";
import { withJournal } from "./journal.ts";

export { Bell } from "../feed/bell.ts";

/** The Worker of `npm start`: the deployed one, with a journal of its queues. */
export default withJournal(worker);
