// Node's `ws` as the other end of an echo. Arguments: a folder with `ws` in it, then `client` or `server`, then its settings
// for the extension as JSON, then a client's port; a server prints its own. Prints one line of JSON: the parameters agreed
// on and, for each message, its length and the bytes that came back for it over the wire.
import { createRequire } from "node:module";

const [folder, role, options, port] = process.argv.slice(2);
const { WebSocket, WebSocketServer } = createRequire(`${folder}/`)("ws");
const perMessageDeflate = { threshold: 0, ...JSON.parse(options) };

const text = JSON.stringify({ type: "message", room: "harbour", text: "the tide turns at nine" }).repeat(4);
const noise = Buffer.from(Array.from({ length: 20_000 }, (_, n) => (n * n * 2654435761) >>> 24));
const messages = [text, text, "", "ü".repeat(40_000), noise, noise, text.repeat(300), "x", text];

/** Sends one message, in fragments if asked, and waits until it is back. */
async function echo(socket, message, fragments) {
  const before = socket._socket.bytesRead;
  const back = new Promise((resolve, reject) => {
    socket.once("message", (data, isBinary) => resolve(isBinary ? data : data.toString()));
    socket.once("close", (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
  });
  const size = Math.ceil(message.length / fragments);
  for (let n = 0; n < fragments; n += 1) {
    socket.send(message.slice(n * size, (n + 1) * size), { fin: n === fragments - 1 });
  }
  const answer = await back;
  socket.removeAllListeners("close");
  if (Buffer.compare(Buffer.from(answer), Buffer.from(message)) !== 0) throw new Error(`not what was sent: ${message.length}`);
  return [Buffer.byteLength(message), socket._socket.bytesRead - before];
}

async function talk(socket) {
  const wire = [];
  for (const message of messages) wire.push(await echo(socket, message, 1));
  for (const message of messages.filter(({ length }) => length > 3)) await echo(socket, message, 3);
  const { params } = socket._extensions["permessage-deflate"];
  const named = Object.entries(params).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  console.log(JSON.stringify({ agreed: named.join("; "), wire }));
  socket.once("close", () => process.exit(0));
  socket.close(1000);
}

if (role === "client") {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate });
  socket.once("open", () => talk(socket));
} else {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  server.once("listening", () => console.log(server.address().port));
  server.once("connection", talk);
}
