// A client for tests, over the `ws` package: what came is kept until it is asked for.
// Knows frames and messages as the protocol document has them; decodes nothing but plain JSON by itself.

import WebSocket from 'ws';
import { within } from './within.mjs';

/** A connection that has its welcome. */
export async function connect(gateway, options = {}) {
  const client = new Client(gateway, options);
  client.welcome = await client.take('welcome');
  return client;
}

/** As many connections as there are `options`. */
export function connectAll(gateway, ...options) {
  return Promise.all(options.map((each) => connect(gateway, each)));
}

export class Client {
  #waiting = [];
  #inbox = [];
  #ids = 0;
  /** Bytes of all data frames that came, without their heads. */
  bytes = 0;

  /**
   * `query` and `headers` go with the request, `protocols` are offered, `decode(data, isBinary)` makes a message of a
   * frame, `encode(message)` the reverse. `perMessageDeflate` is as `ws` takes it: offered unless it is false.
   */
  constructor(gateway, options = {}) {
    const { query = {}, headers = {}, protocols = [], perMessageDeflate = true } = options;
    const { decode = plain, encode = JSON.stringify } = options;
    const address = new URL(gateway.websocket);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    this.encode = encode;
    this.socket = new WebSocket(address, protocols, { headers, perMessageDeflate, handshakeTimeout: 10_000 });
    /** What the gateway agreed to, as its answer has it. */
    this.extensions = '';
    this.socket.once('upgrade', (answer) => (this.extensions = answer.headers['sec-websocket-extensions'] ?? ''));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#end(new Error(`closed with ${code} ${reason}`));
      });
    });
    this.refused = new Promise((resolve) => {
      this.socket.on('unexpected-response', (request, response) => {
        let body = '';
        response.on('data', (part) => (body += part)).on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, body });
          request.destroy();
          this.#end(new Error(`refused with ${response.statusCode}: ${body}`));
        });
      });
    });
    this.socket.on('error', (error) => this.#end(error));
    this.socket.on('message', (data, isBinary) => {
      this.bytes += data.length;
      for (const message of [decode(data, isBinary)].flat()) this.#deliver(message);
    });
  }

  send(message) {
    this.socket.send(this.encode(message));
  }

  /** Sends `message` under an id of its own, and gives the answer that carries it. */
  async ask(message) {
    const id = ++this.#ids;
    this.send({ ...message, id });
    return this.first((answer) => answer.id === id, `the answer to ${message.type}`);
  }

  /** The first message of `type` that was not taken yet. */
  take(type) {
    return this.first((message) => message.type === type, `a ${type}`);
  }

  /** The first message that `wanted` accepts and that was not taken yet. */
  async first(wanted, what = 'a message') {
    const at = this.#inbox.findIndex(wanted);
    if (at >= 0) return this.#inbox.splice(at, 1)[0];
    if (this.failure) throw this.failure;
    const came = new Promise((resolve, reject) => this.#waiting.push({ wanted, resolve, reject }));
    return within(came, what).catch((error) => {
      throw new Error(`${error.message}; untaken: ${JSON.stringify(this.#inbox).slice(0, 2000)}`);
    });
  }

  /** What came and was not taken. */
  get untaken() {
    return [...this.#inbox];
  }

  async close() {
    this.socket.close(1000);
    return within(this.closed, 'the close');
  }

  #deliver(message) {
    const at = this.#waiting.findIndex(({ wanted }) => wanted(message));
    if (at < 0) this.#inbox.push(message);
    else this.#waiting.splice(at, 1)[0].resolve(message);
  }

  #end(error) {
    this.failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function plain(data, isBinary) {
  if (isBinary) throw new Error('a binary frame where JSON was agreed');
  return JSON.parse(data.toString());
}
