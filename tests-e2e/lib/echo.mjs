// A client of the raw echo, over the `ws` package: what is sent comes back, in order. Knows frames, and no message of
// the protocol; the gateway has to run with `dev.echo`.

import WebSocket from 'ws';
import { within } from './within.mjs';

/** A connection to the raw echo. `perMessageDeflate` is as `ws` takes it: offered unless it is false. */
export async function connectEcho(gateway, perMessageDeflate = true) {
  const echo = new Echo(gateway, perMessageDeflate);
  await within(echo.opened, 'the raw echo');
  return echo;
}

class Echo {
  #waiting = [];

  constructor(gateway, perMessageDeflate) {
    const address = new URL('/echo', gateway.websocket);
    this.socket = new WebSocket(address, { perMessageDeflate, handshakeTimeout: 10_000 });
    this.socket.on('message', (data, isBinary) => this.#waiting.shift()?.resolve({ data, isBinary }));
    const ended = (error) => this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    this.socket.on('error', ended);
    /** What was agreed on, as the gateway's answer has it. */
    this.extensions = '';
    this.socket.once('upgrade', (answer) => (this.extensions = answer.headers['sec-websocket-extensions'] ?? ''));
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve).once('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        ended(new Error(`closed with ${code} ${reason}`));
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Sends bytes as one message in so many frames, a ping behind each but the last, and gives what comes back. */
  async exchange(bytes, { binary = false, frames = 1 } = {}) {
    const answer = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const size = Math.ceil(bytes.length / frames);
    for (let n = 0; n < frames; n += 1) {
      const fin = n === frames - 1;
      this.socket.send(bytes.subarray(n * size, (n + 1) * size), { binary, fin, compress: true });
      if (!fin) this.socket.ping();
    }
    return within(answer, `the echo of ${bytes.length} bytes in ${frames} frames`, 30_000);
  }

  /** Bytes that came in while `work` ran. */
  async received(work) {
    const { _socket: tcp } = this.socket;
    const before = tcp.bytesRead;
    await work();
    return tcp.bytesRead - before;
  }

  async close() {
    this.socket.close(1000);
    return within(this.closed, 'the close');
  }
}
