/** An event to be written. Times in microseconds; `context` is compact JSON text of an object. */
export interface NewEvent {
  /** 32 lower-case hex digits. */
  uuid: string;
  /** The digest of its content, as 32 hex digits; absent when `uuid` is that digest, as of an event without an id. */
  content?: string;
  created: number;
  eventType: string;
  message: string;
  context: string;
  producer: string;
  receivedAt: number;
  /** Whether the event may say where objects belong. */
  tellsPlaces?: boolean;
  /** Whether its producer is the source of truth, whose uuids replace those of others for events of the same content. */
  isUpstream?: boolean;
}

/** An event that was not written, because another event has its uuid. */
export interface Conflict {
  uuid: string;
  /** The digest of its content. */
  content: string;
  /** The digest of the content of the other event. */
  stored: string;
  /** The producer of the other event. */
  producer: string;
  /** Whether the other event is from upstream. */
  isUpstream: boolean;
}

/** Names the event that a conflict is about. */
export const conflictKey = ({ uuid, content }: Pick<Conflict, "uuid" | "content">): string => `${uuid} ${content}`;

/** The uuid and the content digest of an event, whether or not the event has both. */
export const withContent = ({ uuid, content = uuid }: Pick<NewEvent, "uuid" | "content">) => ({ uuid, content });
