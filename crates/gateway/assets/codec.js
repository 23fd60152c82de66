// Reads what the gateway sends to a client that agreed `optimize`, `batch` or `gzip`.
// Knows neither sockets nor the page. The rules: crates/payload-codec/README.md.

// Dictionary `chat-v1`: code, long key.
const pairs = (text) => new Map(text.trim().split(/\s+/).map((pair) => pair.split("=")));
const KEYS = pairs(`
  mid=message_id cid=channel_id ai=author_id at=author_type an=author_name c=content
  ct=content_type m=metadata mdl=model prv=provider sid=session_id uid=user_id n=user_name
  usr=username cvi=conversation_id tid=thread_id pid=parent_id rt=reply_to mn=mentions
  att=attachments rx=reactions ed=edited st=status e=event sq=sequence s=stream d=data l=log
  q=seq f=from rp=replay sn=snapshot cp=complete msg=message pr=priority tn=tool_name
  tci=tool_call_id arg=arguments ch=choices dl=delta ix=index fr=finish_reason lp=logprobs
  sf=system_fingerprint`);
const TIMES = pairs("ts=created_at u=updated_at tm=timestamp da=deliver_at");

const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
const GZIP = 1;

const encoder = new TextEncoder();

/** The length of a text on the wire, in bytes of UTF-8. */
export const byteLength = (text) => encoder.encode(text).length;

/**
 * Decodes one frame, a string or an ArrayBuffer: its JSON text, whether that was compressed, and the
 * messages in it, in order and with their long keys. Rejects what the gateway would not send.
 */
export async function decode(data) {
  const text = typeof data === "string" ? data : await unpack(new Uint8Array(data));
  const value = JSON.parse(text);
  const batched = isObject(value) && value._v !== 2 && value.type === "batch";
  const messages = (batched ? value.messages : [value]).map(restore);
  return { text, messages, batched, compressed: typeof data !== "string" };
}

async function unpack(bytes) {
  if (bytes[0] !== GZIP) throw new Error(`a binary frame with tag ${bytes[0]}`);
  const stream = new Blob([bytes.subarray(1)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** One message without its mark and abbreviations; one without a mark is complete as it is. */
export function restore(message) {
  if (!isObject(message) || message._v !== 2) return message;
  const { _v, ...rest } = message;
  return expand(rest);
}

function expand(value) {
  if (Array.isArray(value)) return value.map(expand);
  if (!isObject(value)) return value;
  // Without a prototype, `__proto__` is a key like any other.
  const long = Object.create(null);
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith("~")) long[key.slice(1)] = expand(inner);
    else if (TIMES.has(key)) long[TIMES.get(key)] = timestamp(inner);
    else long[KEYS.get(key) ?? key] = expand(inner);
  }
  return long;
}

/** Milliseconds, `[seconds]` or `[seconds, microseconds]` since 1970, as the text they stand for. */
function timestamp(value) {
  if (Number.isInteger(value)) {
    const seconds = Math.floor(value / 1000);
    return clock(seconds, `.${digits(value - seconds * 1000, 3)}`);
  }
  const [seconds, micros] = Array.isArray(value) ? value : [];
  if (!Number.isInteger(seconds) || value.length > 2) throw new Error("not a timestamp");
  return clock(seconds, value.length === 2 ? `.${digits(micros, 6)}` : "");
}

function clock(seconds, fraction) {
  const ms = seconds * 1000;
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) throw new Error("a timestamp out of range");
  return `${new Date(ms).toISOString().slice(0, 19)}${fraction}Z`;
}

function digits(number, count) {
  if (!(Number.isInteger(number) && number >= 0 && number < 10 ** count)) {
    throw new Error("a fraction out of range");
  }
  return String(number).padStart(count, "0");
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
