/** How late an event may arrive after the time in its `created`, in seconds. */
const LATE = 3600;

interface Event {
  uuid: string;
  created: string;
  message: string;
}

/** Where the last poll began to look, and what it has handled since then: uuid → created. Keep it on disk. */
export interface State {
  since: number;
  handled: Map<string, string>;
}

/** Handles every event that no earlier poll has handled. Call it again and again, with what it has returned. */
export async function poll(
  address: { api: string; token: string },
  { since, handled }: State,
  handle: (event: Event) => Promise<void>,
  now = Date.now(),
): Promise<State> {
  let url: string | undefined = `${address.api}/api/events/?o=created&page_size=300&created_from=${since}`;
  while (url !== undefined) {
    const response: Response = await fetch(url, { headers: { Authorization: `Token ${address.token}` } });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const events = (await response.json()) as Event[];
    for (const event of events.filter(({ uuid }) => !handled.has(uuid))) {
      await handle(event);
      handled.set(event.uuid, event.created);
    }
    url = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  }
  const next = Math.max(since, Math.floor(now / 1000) - LATE);
  const isStillRead = ([, created]: [string, string]) => Date.parse(created) >= next * 1000;
  return { since: next, handled: new Map([...handled].filter(isStillRead)) };
}
