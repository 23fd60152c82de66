// An upstream of the test's own: an HTTP server that answers each POST as its `behave` does.
// Knows server-sent events and how to cut them; nothing of the gateway.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { pause } from './within.mjs';

/** A running upstream and what it has seen; `behave(response, request)` gets the request with its parsed `json`. */
export async function upstream(context, behave) {
  const seen = { requests: [], closed: 0, connections: 0, address: undefined };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    seen.requests.push({ headers: request.headers, json: JSON.parse(body) });
    response.on('close', () => {
      if (!response.writableFinished) seen.closed += 1;
    });
    await behave(response, seen.requests.at(-1));
  });
  server.on('connection', (socket) => {
    socket.setNoDelay(true);
    seen.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  seen.address = `http://127.0.0.1:${server.address().port}/v1/chat/completions`;
  return seen;
}

/** A configuration without limits whose default route is `address`, asked in `form`. */
export function routedTo(address, form = 'model = "tide-1"') {
  return `
[rate_limit]
enabled = false

[[routes]]
name = "assistant"
upstream = "${address}"
default = true
types = ["ask"]
${form}`;
}

/** The bytes of an answer as server-sent events, lines ended by `end`. */
export function events(chunks, { end = '\n', done = true } = {}) {
  const all = done ? [...chunks, '[DONE]'] : chunks;
  return Buffer.from(all.map((chunk) => `data: ${chunk}${end}${end}`).join(''));
}

/** Begins an answer of events. */
export function begin(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
}

/**
 * Writes `bytes` in pieces that end at `cuts` (offsets, rising), each its own HTTP chunk; `between` is awaited
 * behind each of them.
 */
export async function writeCut(response, bytes, cuts, between = turn) {
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= start) continue;
    if (response.destroyed) return;
    const piece = bytes.subarray(start, cut);
    start = cut;
    // The callback comes when the piece is with the system, or when the connection is gone.
    await new Promise((resolve) => response.write(piece, resolve));
    await between();
  }
}

/** After each byte. */
export function everywhere(bytes) {
  return Array.from(bytes.keys());
}

/**
 * Where a reader is most easily wrong: inside characters of several bytes and inside escapes, between the two bytes
 * of CRLF, between the two ends of an event, inside the field's name and behind its colon.
 */
export function awkward(bytes) {
  const cuts = [];
  for (let at = 1; at < bytes.length; at += 1) {
    const [before, here] = [bytes[at - 1], bytes[at]];
    const inCharacter = (here & 0xc0) === 0x80;
    const behind = '\r\n\\:d'.includes(String.fromCharCode(before));
    if (inCharacter || behind) cuts.push(at);
  }
  return cuts;
}

/** Every `size` bytes. */
export function every(size) {
  return (bytes) => Array.from({ length: Math.floor(bytes.length / size) }, (_, n) => (n + 1) * size);
}

export { pause, turn };
