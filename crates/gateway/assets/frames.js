// The list of frames: what came and went, when, how large, and what it means.

import { byteLength } from "/assets/codec.js";
import { $, eachPicture, following, make, size } from "/assets/dom.js";

const MAX_ROWS = 300;

const wire = { since: performance.now(), in: 0, out: 0, plain: 0, rows: [], missed: 0, paused: false };

/**
 * Counts and lists one frame: `in`, `out`, or a word on the `link` itself. `bytes` is its length on the wire,
 * `plain` the length of the same messages in plain JSON, `messages` what it means.
 */
export function frame(direction, text, facts = {}) {
  const { bytes = byteLength(text), plain = 0, at = performance.now(), tag = "", messages } = facts;
  wire.plain += plain;
  if (direction !== "link") wire[direction] += bytes;
  if (wire.paused) wire.missed += 1;
  else wire.rows.push({ direction, text, bytes, at, tag, messages });
  if (wire.rows.length > MAX_ROWS) wire.rows.shift();
  drawFrames();
}

const drawFrames = eachPicture(() => {
  const saved = wire.plain ? (100 * (wire.plain - wire.in)) / wire.plain : 0;
  const share = saved >= 0.1 ? ` · saved ${saved.toFixed(saved < 10 ? 1 : 0)} %` : "";
  $("totals").textContent = `in ${size(wire.in)} · out ${size(wire.out)}${share}`;
  following($("frames"), () => {
    $("frames").append(...wire.rows.splice(0).map(row));
    while ($("frames").children.length > MAX_ROWS) $("frames").firstChild.remove();
  });
});

const ARROWS = { in: ["↓", "received"], out: ["↑", "sent"], link: ["•", "connection"] };

function row({ direction, text, bytes, at, tag, messages }) {
  const [arrow, meaning] = ARROWS[direction];
  const mark = make("b", "", arrow);
  mark.setAttribute("aria-label", meaning);
  const time = make("time", "", ((at - wire.since) / 1000).toFixed(2));
  const line = make("button", "", mark, time, make("span", "size", direction === "link" ? "" : size(bytes)));
  line.append(make("code", "", tag && make("i", "", tag), text.slice(0, 400)));
  Object.assign(line, { type: "button", tabIndex: -1 });
  line.setAttribute("aria-expanded", "false");
  const item = make("li", direction, line);
  if (/"type":"(rate_limit_error|error|stream_error|gap|goaway)"/.test(text)) item.classList.add("warn");
  line.onclick = () => {
    const opened = item.classList.toggle("open");
    line.setAttribute("aria-expanded", String(opened));
    if (opened) item.append(detail(text, messages));
    else item.lastChild.remove();
  };
  return item;
}

/** The frame in full, and what it means where that is not what it says. */
function detail(text, messages) {
  const full = messages?.map((message) => JSON.stringify(message)).join("\n") ?? text;
  const box = make("pre", "", text.slice(0, 30_000));
  if (full !== text) box.append(make("span", "quiet", "\n\nmeans\n"), full.slice(0, 30_000));
  return box;
}

/** Begins anew: an empty list, totals and time at zero. */
export function clearFrames() {
  Object.assign(wire, { since: performance.now(), in: 0, out: 0, plain: 0, rows: [], missed: 0 });
  $("frames").replaceChildren();
  drawFrames();
}

/** Holds the list still, or lets it go on; totals count either way. */
export function pauseFrames(paused) {
  wire.paused = paused;
  if (!paused && wire.missed) frame("link", `${wire.missed} frames were not listed while paused`);
  if (!paused) wire.missed = 0;
}

/** Moves the focus between frames by arrow keys. */
export function moveInFrames(event) {
  const lines = [...$("frames").querySelectorAll("button")];
  const at = lines.indexOf(document.activeElement);
  const end = lines.length - 1;
  const goal = { ArrowDown: at + 1, ArrowUp: at < 0 ? end : at - 1, Home: 0, End: end }[event.key];
  if (goal === undefined || !lines[goal]) return;
  event.preventDefault();
  lines[goal].focus();
}
