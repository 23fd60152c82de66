// Node's zlib as the other end: the same lines as oracle.py.
import { createInterface } from "node:readline";
import zlib from "node:zlib";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** One stream, fed message after message; its output since the last call. */
class Stream {
  constructor(raw) {
    this.raw = raw;
    this.chunks = [];
    raw.on("data", (chunk) => this.chunks.push(chunk));
    raw.on("error", (error) => { throw error; });
  }

  async pass(bytes) {
    this.chunks = [];
    if (bytes.length > 0) this.raw.write(bytes);
    await new Promise((done) => this.raw.flush(zlib.constants.Z_SYNC_FLUSH, done));
    return Buffer.concat(this.chunks);
  }
}

async function run(mode, windowBits, takeover, memLevel, payloads) {
  const make = () =>
    new Stream(mode === "deflate"
      ? zlib.createDeflateRaw({ windowBits, memLevel, level: 6 })
      : zlib.createInflateRaw({ windowBits }));
  let stream = make();
  const results = [];
  for (const payload of payloads) {
    if (!takeover) stream = make();
    if (mode === "deflate") {
      const made = await stream.pass(payload);
      if (!made.subarray(-4).equals(TAIL)) throw new Error("no tail");
      results.push(made.subarray(0, -4));
    } else {
      results.push(await stream.pass(Buffer.concat([payload, TAIL])));
    }
  }
  return results;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [mode, bits, takeover, memory, ...payloads] = line.split(" ");
  const results = await run(mode, Number(bits), takeover === "1", Number(memory), payloads.map((p) => Buffer.from(p, "hex")));
  console.log(results.map((r) => r.toString("hex")).join(" "));
}
