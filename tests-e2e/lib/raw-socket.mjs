// A WebSocket client made of bytes, over node:net, that may break every rule.
// Knows the frames of RFC 6455 section 5.2; nothing of messages. Reads whole, unfragmented frames of a server.

import { createConnection } from 'node:net';
import { randomBytes } from 'node:crypto';
import { within } from './within.mjs';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;

export class RawSocket {
  #buffer = Buffer.alloc(0);
  #wake = () => {};
  #ended = false;

  constructor({ host, port }) {
    this.host = `${host}:${port}`;
    this.socket = createConnection({ host, port, noDelay: true });
    this.socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#wake();
    });
    // A reset is an end too: who waits for more bytes is told.
    for (const end of ['error', 'close', 'end']) {
      this.socket.on(end, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** Asks for the upgrade, with `more` headers; the status of the answer. */
  async upgrade(path = '/ws', more = {}) {
    const headers = {
      Host: this.host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...more,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    return this.status();
  }

  /** The status of the answer, whose head is then behind us. */
  async status() {
    await this.#until(() => this.#buffer.includes('\r\n\r\n'), 'the head of an answer');
    const end = this.#buffer.indexOf('\r\n\r\n') + 4;
    const head = this.#buffer.subarray(0, end).toString('latin1');
    this.#buffer = this.#buffer.subarray(end);
    return Number(head.split(' ')[1]);
  }

  /** Sends one frame; `masked: false` breaks RFC 6455 section 5.1. */
  send(payload, { opcode = TEXT, fin = true, masked = true } = {}) {
    this.socket.write(frame(Buffer.from(payload), { opcode, fin, masked }));
  }

  /** The next text frame's JSON. */
  async message() {
    const { opcode, payload } = await this.frame();
    if (opcode !== TEXT) throw new Error(`opcode ${opcode}, ${payload.toString('latin1')}`);
    return JSON.parse(payload.toString());
  }

  /** The code and reason of the close frame; what comes before it is passed over. */
  async close() {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === CLOSE) return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    }
  }

  async frame() {
    await this.#until(() => parse(this.#buffer) !== undefined, 'a frame');
    const found = parse(this.#buffer);
    this.#buffer = this.#buffer.subarray(found.end);
    return found;
  }

  destroy() {
    this.socket.destroy();
  }

  async #until(there, what) {
    while (!there()) {
      if (this.#ended) throw new Error(`the connection ended before ${what}`);
      await within(new Promise((resolve) => (this.#wake = resolve)), what);
    }
  }
}

/** One frame of a client. */
export function frame(payload, { opcode = TEXT, fin = true, masked = true } = {}) {
  const mask = randomBytes(4);
  const body = masked ? payload.map((byte, at) => byte ^ mask[at % 4]) : payload;
  const first = (fin ? 0x80 : 0) | opcode;
  return Buffer.concat([head(first, masked ? 0x80 : 0, payload.length), masked ? mask : Buffer.alloc(0), body]);
}

function head(first, maskBit, length) {
  if (length < 126) return Buffer.from([first, maskBit | length]);
  if (length < 65_536) return Buffer.from([first, maskBit | 126, length >> 8, length & 255]);
  const long = Buffer.alloc(10);
  long[0] = first;
  long[1] = maskBit | 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}

/** The frame of a server at the start of `bytes`, and where it ends; undefined while it is not whole. */
function parse(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 127;
  const start = { 126: 4, 127: 10 }[short] ?? 2;
  if (bytes.length < start) return undefined;
  const length = { 2: () => short, 4: () => bytes.readUInt16BE(2), 10: () => Number(bytes.readBigUInt64BE(2)) }[start]();
  const end = start + length;
  if (bytes.length < end) return undefined;
  return { opcode: bytes[0] & 15, payload: bytes.subarray(start, end), end };
}
