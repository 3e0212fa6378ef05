import { describe, expect, it } from "vitest";
import { isGithubSigned, standardWebhookTime } from "../../src/ingest/producers/signature.ts";
import { deliver } from "../support/batch.ts";
import { push, rows } from "../support/ingest.ts";
import { aQueue } from "../support/queue.ts";

/** What is stored of a request: type, message and context of each event. */
async function stored(body: string, headers: Record<string, string>) {
  const { queue, bodies } = aQueue();
  const response = await push(body, { queue, headers });
  expect(response.status).toBe(202);
  await deliver(bodies);
  return (await rows("events")).map(({ message, context }) => [message, JSON.parse(String(context))]);
}

const common = {
  specversion: "1.0",
  type: "com.example.someevent",
  source: "/mycontext",
  time: "2018-04-05T17:31:00Z",
  comexampleextension1: "value",
  comexampleothervalue: 5,
};
const appinfo = { appinfoA: "abc", appinfoB: 123, appinfoC: true };

/** Section 3.2 of https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md, in both modes. */
const EXAMPLES: [name: string, json: object, type: string, body: string, context: unknown][] = [
  [
    "XML data as text",
    { id: "B234-1234-1234", unsetextension: null, datacontenttype: "application/xml", data: '<much wow="xml"/>' },
    "application/xml",
    '<much wow="xml"/>',
    { data: '<much wow="xml"/>' },
  ],
  [
    "data that are a JSON object",
    { id: "C234-1234-1234", subject: null, datacontenttype: "application/json", data: appinfo },
    "application/json",
    '{\n  "appinfoA" : "abc",\n  "appinfoB" : 123,\n  "appinfoC" : true\n}',
    appinfo,
  ],
  [
    "data that are a JSON string",
    { id: "D234-1234-1234", subject: null, data: "I'm just a string" },
    "application/json",
    `"I'm just a string"`,
    { data: "I'm just a string" },
  ],
  [
    "binary data",
    {
      id: "A234-1234-1234",
      datacontenttype: "application/vnd.apache.thrift.binary",
      data_base64: btoa("...raw binary bytes..."),
    },
    "application/vnd.apache.thrift.binary",
    "...raw binary bytes...",
    { data_base64: btoa("...raw binary bytes...") },
  ],
];

const headersOf = (id: string, type: string) => ({
  "ce-specversion": "1.0",
  "ce-type": "com.example.someevent",
  "ce-source": "/mycontext",
  "ce-id": id,
  "ce-time": "2018-04-05T17:31:00Z",
  "ce-comexampleextension1": "value",
  "ce-comexampleothervalue": "5",
  "Content-Type": type,
});

describe("the examples of the CloudEvents specification", () => {
  it.each(EXAMPLES)("with %s are one event in structured and binary mode", async (_, json, type, body, context) => {
    const event = { ...common, ...json };
    const id = "id" in json ? String(json.id) : "";
    const expected = [["com.example.someevent", context]];
    const headers = { "Content-Type": "application/cloudevents+json; charset=UTF-8" };
    expect(await stored(JSON.stringify(event), headers)).toEqual(expected);
    expect(await stored(body, headersOf(id, type))).toEqual(expected);
  });

  it("of a batch, with data that are no base64, and of an empty batch, are accepted", async () => {
    const batch = [
      { ...common, source: "/mycontext/4", id: "B234-1234-1234", data_base64: "... base64 encoded string ..." },
      {
        ...common,
        type: "com.example.someotherevent",
        source: "/mycontext/9",
        id: "C234-1234-1234",
        time: "2018-04-05T17:31:05Z",
        data: appinfo,
      },
    ];
    const headers = { "Content-Type": "application/cloudevents-batch+json; charset=UTF-8" };
    expect(await stored(JSON.stringify(batch), headers)).toHaveLength(2);
    expect(await stored("[]", headers)).toHaveLength(2);
  });

  it("of header values: percent-encoded, and quoted as older versions did", async () => {
    const subject = { "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80" };
    expect(await stored("{}", { ...headersOf("1", "application/json"), ...subject })).toEqual([["Euro € 😀", {}]]);
    const quoted = { "ce-subject": '"Euro \\"1\\""' };
    expect(await stored("{}", { ...headersOf("2", "application/json"), ...quoted })).toContainEqual(['Euro "1"', {}]);
  });

  it.each([
    ["quoted and percent-encoded, quotes first", '"%E2%82%AC \\"1%22\\\\"', '€ "1"\\'],
    ["percent-encoded twice, decoded once", "100%2525", "100%25"],
    ["encoded without need", "%41%6e", "An"],
    ["a quote inside", 'say "hi"', 'say "hi"'],
    ["two quoted parts, which are no quoted string", '"a" and "b"', '"a" and "b"'],
    ["half of a quoted string", '"a\\"', '"a\\"'],
    ["a plus sign, which is no space", "a+b", "a+b"],
  ])("of header values: %s", async (_, value, subject) => {
    const headers = { ...headersOf("1", "application/json"), "ce-subject": value };
    expect(await stored("{}", headers)).toEqual([[subject, {}]]);
  });

  it.each(["%C0%A0", "%ED%A0%80", "%FF", "100%", "%zz"])(
    "of header values: %s, which is no encoded UTF-8, is refused",
    async (value) => {
      const headers = { ...headersOf("1", "application/json"), "ce-subject": value };
      const response = await push("{}", { queue: aQueue().queue, headers });
      expect([response.status, await response.json()]).toEqual([
        400,
        { detail: "The header ce-subject is not valid percent-encoded UTF-8." },
      ]);
    },
  );
});

describe("the test vector of Standard Webhooks", () => {
  const key = Uint8Array.fromBase64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const vector = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const body = new TextEncoder().encode('{"test": 2432232314}');
  const time = (headers: object = {}, bytes = body, keys = [key]) =>
    standardWebhookTime(new Headers({ ...vector, ...headers }), bytes, keys);

  it("is verified, alone or among others, with any of the keys", async () => {
    expect(await time()).toBe(1614265330);
    const other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    const signatures = [other, "v1a,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", vector["webhook-signature"]].join(
      " ",
    );
    expect(await time({ "webhook-signature": signatures }, body, [new Uint8Array(24), key])).toBe(1614265330);
  });

  it.each<[string, object]>([
    ["another id", { "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJel" }],
    ["another time", { "webhook-timestamp": "1614265331" }],
    ["another signature", { "webhook-signature": "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=" }],
    ["another version", { "webhook-signature": vector["webhook-signature"].replace("v1", "v2") }],
    ["half of the signature", { "webhook-signature": "v1,g0hM9SsE" }],
    ["no signature", { "webhook-signature": "" }],
  ])("is refused with %s", async (_, headers) => {
    expect(await time(headers)).toBeUndefined();
  });

  it("is refused with another body or key, and with no key at all", async () => {
    expect(await time({}, new TextEncoder().encode('{"test":2432232314}'))).toBeUndefined();
    expect(await time({}, body, [new Uint8Array(24)])).toBeUndefined();
    expect(await time({}, body, [])).toBeUndefined();
  });
});

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation */
describe("GitHub's published example", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const keys = [encode("It's a Secret to Everybody")];
  const headers = (hex: string) => new Headers({ "X-Hub-Signature-256": `sha256=${hex}` });
  const hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

  it("is verified, and nothing else", async () => {
    expect(await isGithubSigned(headers(hex), encode("Hello, World!"), keys)).toBe(true);
    expect(await isGithubSigned(headers(hex), encode("Hello, World?"), keys)).toBe(false);
    expect(await isGithubSigned(headers(hex.replace("7", "8")), encode("Hello, World!"), keys)).toBe(false);
    expect(await isGithubSigned(headers(hex), encode("Hello, World!"), [])).toBe(false);
    expect(await isGithubSigned(headers("zz"), encode("Hello, World!"), keys)).toBe(false);
  });
});
