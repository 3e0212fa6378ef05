import groups from "./event-groups.json" with { type: "json" };
import scopeKeys from "./event-scope-keys.json" with { type: "json" };
import eventTypes from "./event-types.json" with { type: "json" };
import contextKeys from "./scope-context-keys.json" with { type: "json" };
import scopeTypes from "./scope-types.json" with { type: "json" };
import urlSegments from "./scope-url-segments.json" with { type: "json" };

/** Group name → its event types, in Waldur's order. */
export const eventGroups: Readonly<Record<string, readonly string[]>> = groups;

/** `app_label.modelname` of every loggable model, in Waldur's order. */
export const scopeTypeNames: readonly string[] = scopeTypes;

/** Event type → its number: 1, 2, 3 … in the order of the file and of the table event_types. */
const typeNumbers: ReadonlyMap<string, number> = new Map(eventTypes.map((name, index) => [name, index + 1]));

/** The first number of types that the catalogue does not know; their names are in the table event_types. */
export const FIRST_UNKNOWN_TYPE = 1000;

/** The number that all types beyond the limits of events/write/types.ts share; the events have their names. */
export const OTHER_TYPE = 999;

/** The number of an event type of the catalogue. */
export const typeNumber = (name: string): number | undefined => typeNumbers.get(name);

/** The event type with this number in the catalogue. */
export const typeName = (number: number): string | undefined => eventTypes[number - 1];

/** Every event type of the catalogue. */
export const knownEventTypes: readonly string[] = eventTypes;

const keysByType: Readonly<Record<string, readonly string[]>> = scopeKeys;

/** The context keys that hold the UUIDs of the objects in the scope of an event of this type; empty for an unknown type. */
export const scopeKeysOf = (eventType: string): readonly string[] =>
  Object.hasOwn(keysByType, eventType) ? (keysByType[eventType] ?? []) : [];

/** The event types of a group; empty for an unknown group. */
export const eventTypesOf = (group: string): readonly string[] =>
  Object.hasOwn(eventGroups, group) ? (eventGroups[group] ?? []) : [];

const scopeTypesOfSegments: Readonly<Record<string, string>> = urlSegments;

/** The loggable type of `/api/{segment}/{uuid}/`; undefined for an unknown segment. */
export const scopeTypeOfSegment = (segment: string): string | undefined =>
  Object.hasOwn(scopeTypesOfSegments, segment) ? scopeTypesOfSegments[segment] : undefined;

/** Loggable type → the context keys that hold the UUID of such an object, most specific first. */
export const scopeContextKeys: Readonly<Record<string, readonly string[]>> = contextKeys;
