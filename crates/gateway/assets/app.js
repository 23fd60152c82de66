// The demonstration page: a chat, the frames behind it, and buttons that push the gateway to its limits.
// Data from the wire becomes text nodes, never markup.

import { Answer, byRequest, byStream, failRunning, running } from "/assets/answers.js";
import { byteLength, decode } from "/assets/codec.js";
import { $, eachPicture, following, make, seconds, show } from "/assets/dom.js";
import { clearFrames, frame, moveInFrames, pauseFrames } from "/assets/frames.js";

const MAX_HEARD = 50;
const FLOOD = 60;
const HINT = "Several questions may run at once, over the one connection.";
const START = "Watch the frames below while you press one of these.";
const BACKOFF = "Tries come after 0.1, 0.5 and 1 s, then twice as long each time up to 30 s, less up to 5 % by chance.";

const note = (text) => ($("note").textContent = text);

// ---- Answers ----------------------------------------------------------------------------------------------

function ask(question) {
  const id = nextId("question");
  new Answer(id, question);
  send({ type: "stream", id, query: question });
  if (!link.socket && !link.timer) connect();
}

function stop() {
  for (const answer of running()) {
    answer.stopped = true;
    if (answer.stream) send({ type: "cancel", id: nextId("cancel"), stream: answer.stream });
  }
}

// ---- The connection ---------------------------------------------------------------------------------------

const link = { socket: null, session: null, timer: 0, attempts: 0, agreed: [], waiting: [], told: null, lostAt: 0 };
let lastId = 0;
const nextId = (what) => `${what}-${(lastId += 1)}`;
const wanted = () => [...$("agree").querySelectorAll(":checked")].map((box) => box.value);

function connect() {
  clearTimeout(link.timer);
  link.timer = 0;
  const address = new URL("/ws", location.href.replace(/^http/, "ws"));
  if (wanted().length) address.search = `?agree=${wanted().join()}`;
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  link.socket = socket;
  setState("reconnecting", "Connecting");
  let inbox = Promise.resolve(); // unpacking takes time; order stays
  socket.onmessage = ({ data }) => {
    const at = performance.now();
    inbox = inbox.then(() => socket === link.socket && receive(data, at));
  };
  socket.onclose = ({ code, reason }) => inbox.then(() => socket === link.socket && lost(code, reason));
}

/** Sends, or keeps for the next session. */
function send(message) {
  if (!link.session) return link.waiting.push(message);
  const text = JSON.stringify(message);
  link.socket.send(text);
  frame("out", text);
}

async function receive(data, at) {
  const bytes = typeof data === "string" ? byteLength(data) : data.byteLength;
  try {
    const { text, messages, batched, compressed } = await decode(data);
    const plain = messages.reduce((sum, message) => sum + byteLength(JSON.stringify(message)), 0);
    const tag = [compressed && "gzip", batched && `batch of ${messages.length}`].filter(Boolean).join(", ");
    frame("in", text, { bytes, plain, at, tag, messages });
    messages.forEach((message) => (HANDLERS.get(message.type) ?? published)(message));
  } catch (error) {
    frame("link", `a frame of ${bytes} bytes was not understood: ${error.message}`);
  }
}

const FULL = ["Server at capacity", "Connection limit reached"];
const FINAL = [1000, 1002, 1003, 1007, 1008, 1009, 1010];
const LEAVING = [1001, 1012, 1013]; // the server goes: all its clients come back, so they spread

/** How long to wait after a connection ended, in ms; `null`: not at all, it is over. */
function waitAfter(code, reason, attempt) {
  const delay = [100, 500, 1000][attempt] ?? Math.min(1000 * 2 ** (attempt - 2), 30_000);
  const range = Math.floor(code / 100);
  const full = code === 1008 && FULL.includes(reason);
  if (link.told) return link.told.reconnect_after_ms + Math.random() * link.told.jitter_ms;
  if (full || range === 41) return 5000 + Math.random() * Math.max(delay, 5000);
  if (FINAL.includes(code) || range === 40) return null;
  if (LEAVING.includes(code)) return Math.random() * Math.max(delay, 4000);
  if (range === 42 && attempt === 0) return 0;
  return delay * (1 - 0.05 * Math.random());
}

function lost(code, reason) {
  const wait = waitAfter(code, reason, link.attempts);
  const why = `${code}${reason ? ` ${reason}` : ""}`;
  link.lostAt ||= performance.now();
  Object.assign(link, { socket: null, session: null, told: null });
  $("session").textContent = $("heartbeat").textContent = "\u00a0";
  const unsent = new Set(link.waiting.map((message) => message.id));
  failRunning("The connection broke in mid-answer. This version does not resume streams: ask again.", unsent);
  if (wait === null) {
    Object.assign(link, { timer: 0, attempts: 0, lostAt: 0 });
    frame("link", `closed: ${why}; this code means do not reconnect`);
    setState("closed", `Closed: ${reason || code}`);
    return note(`The server closed with ${why}: stay away. Ask something, or press New session.`);
  }
  link.attempts += 1;
  frame("link", `lost: ${why}; attempt ${link.attempts} in ${seconds(wait)}`);
  setState("reconnecting", `Reconnecting, attempt ${link.attempts} in ${seconds(wait)}`);
  link.timer = setTimeout(connect, wait);
}

function setState(state, text) {
  $("status").dataset.state = state;
  $("state").textContent = text;
}

/** Ends this session as seen from here; the old socket is not listened to any more. */
function drop() {
  if (!link.socket) return;
  const { socket } = link;
  lost(1006, "dropped by this page");
  socket.close();
}

function renew() {
  const { socket } = link;
  Object.assign(link, { session: null, attempts: 0, waiting: [], lostAt: 0 });
  failRunning("You left its session.");
  frame("link", "left: 1000; a new session");
  connect();
  socket?.close(1000);
}

// ---- What the server says ---------------------------------------------------------------------------------

const flood = { passed: 0, refused: 0 };
const limit = { until: 0, timer: 0 };

const HANDLERS = new Map(Object.entries({
  welcome(message) {
    const before = link.agreed;
    link.agreed = message.agreed;
    restoreAgreed();
    if (message.session === link.session) return tellAgreed(before, message.agreed);
    const { interval_ms, timeout_ms } = message.heartbeat;
    $("session").textContent = `session ${message.session}`;
    $("heartbeat").textContent = `ping after ${seconds(interval_ms)} of silence, ${seconds(timeout_ms)} to answer`;
    setState("connected", "Connected");
    const back = `Back after ${seconds(performance.now() - link.lostAt)}, as a new session. ${BACKOFF}`;
    note(link.lostAt ? back : START);
    const waiting = link.waiting.splice(0);
    Object.assign(link, { session: message.session, attempts: 0, lostAt: 0 });
    limited(0);
    waiting.forEach(send);
    readHealth();
  },
  stream_start({ id, stream }) {
    const answer = byRequest.get(id);
    if (!answer) return;
    answer.stream = stream;
    byStream.set(stream, answer);
    if (answer.stopped) stop();
  },
  stream_chunk({ stream, data }) {
    byStream.get(stream)?.chunk(data);
  },
  stream_end({ stream, complete }) {
    if (complete) byStream.get(stream)?.finish("complete");
    else byStream.get(stream)?.finish("cancelled", "Stopped. The gateway closed its request to the agent.");
    byStream.delete(stream);
  },
  stream_error({ stream, code, message }) {
    byStream.get(stream)?.finish("failed", `${code}: ${message}. What came before is not the whole answer.`);
    byStream.delete(stream);
  },
  message(message) {
    const id = String(message.id ?? "");
    if (id.startsWith("flood")) flooded("passed");
    else if (id.startsWith("large")) tellLarge();
    else published(message);
  },
  rate_limit_error({ id, retry_after }) {
    limited(retry_after * 1000);
    if (String(id).startsWith("flood")) return flooded("refused");
    if (String(id).startsWith("hello")) restoreAgreed();
    byRequest.get(id)?.finish("failed", `Over the limit: this session may ask again in ${retry_after} s.`);
    note(`Refused: over the limit. Passes again in ${retry_after} s, or at once in a new session.`);
  },
  reply({ id, delivered }) {
    if (String(id).startsWith("say")) note(`Delivered to ${delivered} other session${delivered === 1 ? "" : "s"}.`);
  },
  error({ id, code, message }) {
    byRequest.get(id)?.finish("failed", `${code}: ${message}`);
    note(`${code}: ${message}`);
  },
  gap: ({ reason, dropped }) => note(`${dropped} messages were not delivered: ${reason}.`),
  goaway(message) {
    link.told = message;
    note(`The server is about to leave (${message.reason}); the page will come back after it.`);
  },
}));

const MEANING = {
  optimize: "keys are abbreviated (click a frame to see both forms)",
  batch: "what waits travels together (press Flood)",
  gzip: "large messages are compressed (press Echo 24 kB)",
};

function tellAgreed(before, agreed) {
  const added = agreed.filter((feature) => !before.includes(feature));
  const meaning = added.map((feature) => `${feature}: ${MEANING[feature]}`).join("; ");
  note(meaning ? `Agreed. From now on ${meaning}.` : `Agreed: ${agreed.join(", ") || "plain JSON"}.`);
}

function tellLarge() {
  const hint = "Agree gzip, and it comes as one small binary frame.";
  note(link.agreed.includes("gzip") ? "Echoed, as one small binary frame." : `Echoed. ${hint}`);
}

function restoreAgreed() {
  for (const box of $("agree").querySelectorAll("input")) box.checked = link.agreed.includes(box.value);
}

/** What others broadcast, and what a backend publishes under any type. */
function published({ type, content, payload, from }) {
  if (content === undefined && payload === undefined) return;
  hear(from?.replace(/^anon:/, "").slice(0, 6) ?? "backend", type === "text_message" ? payload : content);
}

function hear(who, words) {
  following($("heard"), () => {
    $("heard").querySelector(".quiet")?.remove();
    $("heard").append(make("li", "", make("b", "", who), " ", show(words)));
    if ($("heard").children.length > MAX_HEARD) $("heard").firstChild.remove();
  });
}

const tellFlood = eachPicture(() => {
  const { passed, refused } = flood;
  const rest = refused ? `, ${refused} refused, without harm to streams that run` : "";
  note(`${FLOOD} messages sent: ${passed} echoed${rest}.${refused ? " Your questions are limited now too." : ""}`);
});

function flooded(how) {
  flood[how] += 1;
  tellFlood();
}

/** Counts down until requests pass again; 0 ends it. */
function limited(ms) {
  limit.until = performance.now() + ms;
  clearInterval(limit.timer);
  if (ms > 0) limit.timer = setInterval(countDown, 250);
  countDown();
}

function countDown() {
  const left = Math.ceil((limit.until - performance.now()) / 1000);
  const over = left <= 0;
  if (over) clearInterval(limit.timer);
  $("limit").textContent = over ? "" : `limited: ${left} s`;
  $("hint").classList.toggle("warn", !over);
  $("hint-text").textContent = over ? HINT : `Over the limit. Requests pass again in ${left} s.`;
  $("hint-fresh").hidden = over;
}

// ---- Buttons ----------------------------------------------------------------------------------------------

function sendFlood() {
  Object.assign(flood, { passed: 0, refused: 0 });
  for (let n = 1; n <= FLOOD; n += 1) send({ type: "message", id: nextId("flood"), content: `flood ${n}` });
}

function sendLarge() {
  const line = (n) => ({
    message_id: `m-${n}`,
    author_name: ["Ada", "Finn", "Mara"][n % 3],
    created_at: new Date(1.7e12 + n * 61_000).toISOString(),
    content: `Line ${n}: the tide turns in ${n % 60} minutes.`,
  });
  send({ type: "message", id: nextId("large"), content: Array.from({ length: 180 }, (_, n) => line(n)) });
}

async function readHealth() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/api/websocket/health");
    const { active_connections: open, performance: done } = await answer.json();
    const saved = done.reduction_percentage;
    const share = saved > 0 ? ` · ${saved.toFixed(1)} % saved` : "";
    $("health").textContent = `${open} connected · ${done.total_messages.toLocaleString("en")} messages${share}`;
  } catch {
    $("health").textContent = "no answer from the server";
  }
}

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

function switchTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" ||
    (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  applyTheme(dark ? "light" : "dark");
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

function fold(open) {
  $("fold").setAttribute("aria-expanded", String(open));
  $("wire-body").hidden = !open;
  $("frames").scrollTop = $("frames").scrollHeight;
}

/** The field's text, which it gives away; nothing where it is blank. */
function taken(field) {
  const text = field.value.trim();
  field.value = "";
  return text;
}

function onSubmit(form, field, act) {
  $(form).onsubmit = (event) => {
    event.preventDefault();
    const text = taken($(field));
    if (text) act(text);
  };
}

onSubmit("ask", "question", ask);
onSubmit("shout", "words", (words) => {
  send({ type: "broadcast", id: nextId("say"), content: words });
  hear("you", words);
});
for (const chip of document.querySelectorAll(".chips button")) chip.onclick = () => ask(chip.textContent);
$("stop").onclick = stop;
$("flood").onclick = sendFlood;
$("drop").onclick = drop;
$("large").onclick = sendLarge;
$("fresh").onclick = $("hint-fresh").onclick = renew;
$("agree").onchange = () => send({ type: "hello", id: nextId("hello"), agree: wanted() });
$("frames").onkeydown = moveInFrames;
$("clear").onclick = clearFrames;
$("pause").onclick = ({ target }) => {
  const paused = target.getAttribute("aria-pressed") !== "true";
  target.setAttribute("aria-pressed", String(paused));
  pauseFrames(paused);
};
$("fold").onclick = () => fold($("wire-body").hidden);
$("theme").onclick = switchTheme;
$("curl").textContent = `curl -X POST ${location.origin}/api/v1/publish \\
  -H 'Authorization: Bearer <key from the terminal>' \\
  -d '{"to":"all","type":"broadcast","content":"Hello from the backend"}'`;
$("copy").onclick = () => {
  const copied = navigator.clipboard.writeText($("curl").textContent);
  copied.then(() => note("Copied."), () => note("Copying is not allowed here; select the line instead."));
};
addEventListener("online", () => link.timer && connect());

applyTheme(localStorage.getItem("theme"));
fold(!matchMedia("(max-width: 52rem)").matches);
connect();
setInterval(readHealth, 5000);
