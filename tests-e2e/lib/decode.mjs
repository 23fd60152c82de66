// Decoders of all forms on the wire, written from the codec's README and the protocol document alone.
// Libraries that nobody here wrote do MessagePack, gzip and LZ4.

import { gunzipSync } from 'node:zlib';
import { ExtensionCodec, decode as unpackValue } from '@msgpack/msgpack';
import lz4 from 'lz4js';

const MARK = '_v';
const VERSION = 2;
const GZIP = 1;
const LZ4 = 2;
const COMPRESSED_MESSAGE_PACK = 0xc1;
const TEXT_OF_JSON = 'J'.charCodeAt(0);

/** A decoder of the optimized form, for the text of a dictionary. */
export class Expander {
  constructor({ keys, timestamps }) {
    this.keys = new Map(Object.entries(keys).map(([long, code]) => [code, long]));
    this.timestamps = new Map(Object.entries(timestamps).map(([long, code]) => [code, long]));
  }

  /** A message as it was before it was optimized; one without the mark as it is. */
  message(value) {
    if (isObject(value) && value[MARK] === VERSION) {
      const { [MARK]: _, ...rest } = value;
      return this.#restored(rest);
    }
    if (isObject(value) && value.type === 'batch' && Array.isArray(value.messages)) {
      return { ...value, messages: value.messages.map((each) => this.message(each)) };
    }
    return value;
  }

  #restored(value) {
    if (Array.isArray(value)) return value.map((each) => this.#restored(each));
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([key, inner]) => this.#entry(key, inner));
    return Object.fromEntries(entries);
  }

  #entry(key, value) {
    if (key.startsWith('~')) return [key.slice(1), this.#restored(value)];
    const timestamp = this.timestamps.get(key);
    if (timestamp !== undefined) return [timestamp, textOfTime(value)];
    return [this.keys.get(key) ?? key, this.#restored(value)];
  }
}

/** The text that a timestamp's number stands for. */
function textOfTime(value) {
  if (typeof value === 'number') return new Date(value).toISOString();
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) {
    throw new Error(`not a timestamp: ${JSON.stringify(value)}`);
  }
  const [seconds, micros] = value;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
  return micros === undefined ? `${whole}Z` : `${whole}.${String(micros).padStart(6, '0')}Z`;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const extensions = new ExtensionCodec();
extensions.register({
  type: TEXT_OF_JSON,
  encode: () => null,
  decode: (data) => JSON.parse(new TextDecoder().decode(data)),
});

/** The value of a MessagePack payload. */
export function unpack(bytes) {
  return unpackValue(bytes, { extensionCodec: extensions });
}

/** The JSON value of a JSON session's frame. */
export function jsonFrame(data, isBinary) {
  return JSON.parse((isBinary ? decompress(data) : data).toString());
}

/** The value of a MessagePack session's frame. */
export function messagePackFrame(data, isBinary) {
  if (!isBinary) throw new Error('a text frame where MessagePack was agreed');
  return unpack(data[0] === COMPRESSED_MESSAGE_PACK ? decompress(data.subarray(1)) : data);
}

function decompress(tagged) {
  const body = tagged.subarray(1);
  if (tagged[0] === GZIP) return gunzipSync(body);
  if (tagged[0] !== LZ4) throw new Error(`unknown tag ${tagged[0]}`);
  const size = body.readUInt32LE(0);
  const out = Buffer.alloc(size);
  const end = lz4.decompressBlock(body, out, 4, body.length - 4, 0);
  if (end !== size) throw new Error(`${end} bytes where ${size} were told`);
  return out;
}

/** A batch's messages, or the one message itself. */
export function members(message) {
  return message.type === 'batch' ? message.messages : [message];
}
