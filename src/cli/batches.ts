/** Limits of one request. The server accepts 1 MiB and 1,000 events. */
const MAX_BATCH_EVENTS = 100;
const MAX_BATCH_BYTES = 900_000;

export interface Batch {
  size: number;
  /** A JSON array. */
  body: string;
}

/** Groups lines of JSON into bodies for the webhook. */
export async function* batches(lines: AsyncIterable<string>): AsyncGenerator<Batch> {
  let batch: string[] = [];
  let bytes = 0;
  for await (const line of lines) {
    const lineBytes = Buffer.byteLength(line) + 1;
    if (batch.length === MAX_BATCH_EVENTS || (batch.length > 0 && bytes + lineBytes > MAX_BATCH_BYTES)) {
      yield toBatch(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += lineBytes;
  }
  if (batch.length > 0) yield toBatch(batch);
}

const toBatch = (lines: readonly string[]): Batch => ({ size: lines.length, body: `[${lines.join(",")}]` });
