// A little Markdown, as it grows: headings, paragraphs, lists, tables, quotes, code, bold, emphasis.
// Builds nodes, never markup: a text from the wire stays text.

import { make } from "/assets/dom.js";

const KINDS = [
  ["code", /^```/],
  ["heading", /^#{1,6} /],
  ["bullets", /^\s*[-*] /],
  ["numbers", /^\s*\d+[.)] /],
  ["table", /^\|/],
  ["quote", /^>/],
];

/** What a half-written last line will most likely become, so that marks do not flicker. */
export function mend(text) {
  const cut = text.lastIndexOf("\n") + 1;
  const last = text.slice(cut);
  if (/^\s*(#{1,6}|[-*>]|\d+[.)]?|`{1,2}|\*\*)?\s*$/.test(last)) return text.slice(0, cut);
  if ((text.match(/^```/gm)?.length ?? 0) % 2 === 1) return text;
  const odd = (mark) => last.split(mark).length % 2 === 0;
  if (odd("`")) return `${text}\``;
  if (odd("**")) return `${text.replace(/\*$/, "")}**`;
  return odd("*") && !/^\s*\* /.test(last) ? `${text}*` : text;
}

/** Cuts a text into blocks of lines of one kind. */
export function blocks(text) {
  const found = [];
  let open = null;
  for (const line of text.split("\n")) {
    if (open?.kind === "code") {
      if (/^```\s*$/.test(line)) open = null;
      else open.lines.push(line);
      continue;
    }
    const kind = KINDS.find(([, start]) => start.test(line))?.[0] ?? "text";
    const continues = open && kind !== "heading" && kind !== "code" && open.kind !== "heading";
    if (line.trim() === "") open = null;
    else if (continues && kind === open.kind) open.lines.push(line);
    else if (continues && kind === "text" && open.kind !== "table") {
      open.lines.push(`${open.lines.pop()} ${line.trim()}`);
    } else found.push((open = { kind, lines: [line] }));
  }
  return found;
}

/** A block's lines as an element. */
export const BUILD = {
  code: ([, ...lines]) => {
    const pre = make("pre", "", make("code", "", lines.join("\n")));
    pre.tabIndex = 0;
    return pre;
  },
  heading: ([line]) => {
    const marks = line.indexOf(" ");
    return make(`h${Math.min(marks + 2, 6)}`, "", ...inline(line.slice(marks)));
  },
  bullets: (lines) => make("ul", "", ...items(lines)),
  numbers: (lines) => {
    const list = make("ol", "", ...items(lines));
    list.start = parseInt(lines[0], 10) || 1;
    return list;
  },
  table: (lines) => {
    const rows = lines.filter((line) => !/^[|:\-\s]+$/.test(line));
    const cells = (row) => row.replace(/^\||\|\s*$/g, "").split("|");
    const cell = (text, at) => make(at ? "td" : "th", "", ...inline(text.trim()));
    const row = (line, at) => make("tr", "", ...cells(line).map((text) => cell(text, at)));
    return make("div", "table", make("table", "", ...rows.map(row)));
  },
  quote: (lines) => {
    const said = lines.map((line) => line.replace(/^> ?/, "")).join(" ");
    return make("blockquote", "", ...inline(said));
  },
  text: (lines) => make("p", "", ...inline(lines.join(" "))),
};

function items(lines) {
  return lines.map((line) => make("li", "", ...inline(line.replace(/^\s*([-*]|\d+[.)]) /, ""))));
}

function inline(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(/`([^`]+)`|\*\*(.+?)\*\*|\*([^\s*](?:[^*]*[^\s*])?)\*/g)) {
    const [all, code, strong, emphasis] = found;
    nodes.push(text.slice(done, found.index));
    if (code) nodes.push(make("code", "", code));
    else nodes.push(make(strong ? "strong" : "em", "", ...inline(strong ?? emphasis)));
    done = found.index + all.length;
  }
  return [...nodes, text.slice(done)];
}
