/**
 * Stands for the packages `waldur-js-client` and `waldur-js-client/client.gen`, which no registry of the tests has. It
 * has the types and sends the requests that the sources of the client show: the bare value of `auth` as the header
 * Authorization, and each item of a list as a parameter of its own.
 */

interface Config {
  baseUrl: string;
  auth: string;
}

export interface Event {
  readonly uuid?: string;
  readonly created?: string;
  readonly event_type?: string;
  readonly message?: string;
  context?: unknown;
}

interface EventsListData {
  query?: { feature?: string[]; event_type?: string[]; page?: number; page_size?: number };
}

let config: Config = { baseUrl: "", auth: "" };

export const client = {
  setConfig: (given: Config): void => {
    config = given;
  },
};

export async function eventsList({ query = {} }: EventsListData): Promise<{ data?: Event[] }> {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((item) => [name, String(item)]));
  const url = `${config.baseUrl}/api/events/?${new URLSearchParams(pairs)}`;
  const response = await fetch(url, { headers: { Authorization: config.auth } });
  if (!response.ok) return {};
  return { data: (await response.json()) as Event[] };
}
