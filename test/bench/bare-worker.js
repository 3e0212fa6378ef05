/**
 * What the benchmark compares with: a Worker without framework, validation, authentication or headers beyond what the
 * answer needs, that runs the SQL of our unfiltered first page by hand.
 */
const COUNTERS = `SELECT period, n, min_id, last_id, (SELECT epoch FROM commit_watermark) AS epoch
  FROM counters WHERE series = ? ORDER BY period`;
const ROWS = `SELECT events.id, events.uuid, events.created, events.type,
    CASE WHEN events.type >= 1000 THEN (SELECT name FROM event_types WHERE event_types.id = events.type) END AS other_type,
    events.message, events.context
  FROM (SELECT id FROM events INDEXED BY events_order ORDER BY created DESC, id LIMIT 10) AS keys
  CROSS JOIN events ON events.id = keys.id`;

export default {
  async fetch(request, env) {
    const db = new URL(request.url).pathname === "/session" ? env.DB.withSession("first-unconstrained") : env.DB;
    const [counters, rows] = await db.batch([db.prepare(COUNTERS).bind("log"), db.prepare(ROWS)]);
    const total = counters.results.reduce((sum, row) => sum + row.n, 0);
    const events = rows.results.map(({ uuid, created, type, message, context }) => ({
      uuid,
      created: new Date(created / 1000).toISOString(),
      event_type: type,
      message,
      context: JSON.parse(context),
    }));
    return Response.json(events, { headers: { "X-Result-Count": String(total) } });
  },
};
