/** An event of the model: `created` in seconds, different for each event. */
export interface ModelEvent {
  uuid: string;
  created: number;
  isOurs: boolean;
  isOdd: boolean;
}

/** The events after one commit. */
export type State = readonly ModelEvent[];

export const PAGE_SIZE = 5;

/** What one request asks for, within the events that its client sees. */
export type Asked = { which: (event: ModelEvent) => boolean } & (
  | { kind: "list"; before?: number }
  | { kind: "count" }
  | { kind: "event"; uuid: string }
);

/** What a response shows. */
export interface Shown {
  status: number;
  total?: number;
  uuids?: string[];
}

/** What a state shows. */
export function shownBy(state: State, asked: Asked): Shown {
  const events = state.filter(asked.which);
  if (asked.kind === "count") return { status: 200, total: events.length };
  if (asked.kind === "event") {
    return events.some(({ uuid }) => uuid === asked.uuid) ? { status: 200, uuids: [asked.uuid] } : { status: 404 };
  }
  const { before = Number.POSITIVE_INFINITY } = asked;
  const page = events.filter(({ created }) => created < before).sort((a, b) => b.created - a.created);
  return { status: 200, total: events.length, uuids: page.slice(0, PAGE_SIZE).map(({ uuid }) => uuid) };
}

/**
 * The first state that explains an answer and is not older than those that explain the answers before; undefined when time
 * went backwards, or when the answer mixes states.
 */
export function explained(states: readonly State[], from: number, asked: Asked, shown: Shown): number | undefined {
  const text = JSON.stringify(shown);
  const found = states.findIndex((state, index) => index >= from && JSON.stringify(shownBy(state, asked)) === text);
  return found === -1 ? undefined : found;
}
