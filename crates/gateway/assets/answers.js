// The answers in the chat: their text as it grows, how they ended, and how fast they were.

import { $, eachPicture, following, make, seconds, show } from "/assets/dom.js";
import { BUILD, blocks, mend } from "/assets/markdown.js";

export const byRequest = new Map(); // the id of a request: its answer
export const byStream = new Map(); // a stream: its answer, while it runs

/** A question and its answer, as it arrives. */
export class Answer {
  constructor(id, question) {
    this.id = id;
    byRequest.set(id, this);
    this.asked = performance.now();
    this.text = "";
    this.chunks = 0;
    this.body = make("div", "body");
    this.facts = make("p", "quiet", "waiting for the first token");
    this.node = make("article", "answer", this.body, this.facts);
    this.draw = eachPicture(() => this.render());
    following($("answers"), () => {
      $("intro")?.remove();
      $("answers").append(make("p", "asked", question), this.node);
    });
    $("answers").scrollTop = $("answers").scrollHeight; // one's own question is always in sight
    this.enter("streaming");
  }

  enter(state) {
    this.node.dataset.state = state;
    this.node.setAttribute("aria-busy", String(state === "streaming"));
    $("stop").disabled = !running().length;
  }

  get open() {
    return this.node.dataset.state === "streaming";
  }

  chunk(data) {
    this.first ??= performance.now();
    this.last = performance.now();
    if (typeof data === "string") {
      this.chunks += 1;
      this.text += data;
    } else {
      const event = make("p", "event", `${data?.type ?? "event"} ${show(data)}`);
      following($("answers"), () => this.body.before(event));
    }
    this.draw();
  }

  /** Builds anew only the blocks that changed, so that a selection in the others stays. */
  render() {
    const wanted = blocks(this.open ? mend(this.text) : this.text);
    following($("answers"), () => {
      wanted.forEach(({ kind, lines }, at) => {
        const source = `${kind}\n${lines.join("\n")}`;
        const old = this.body.children[at];
        if (old?.source === source) return;
        const node = Object.assign(BUILD[kind](lines), { source });
        if (old) old.replaceWith(node);
        else this.body.append(node);
      });
      while (this.body.children.length > wanted.length) this.body.lastChild.remove();
      this.facts.textContent = this.summary();
    });
  }

  summary() {
    if (!this.first) return "";
    const rate = Math.round((1000 * (this.chunks - 1)) / (this.last - this.first));
    const first = `first token after ${seconds(this.first - this.asked)}`;
    return this.chunks > 1 ? `${first} · ${rate} tokens/s` : first;
  }

  finish(state, reason) {
    if (!this.open) return;
    this.enter(state);
    byRequest.delete(this.id);
    this.render();
    if (reason) following($("answers"), () => this.facts.before(make("p", "reason", reason)));
  }
}

/** The answers that are not complete yet. */
export const running = () => [...byRequest.values()].filter((answer) => answer.open);

/** Ends the answers of a connection that is gone, but for the requests in `kept`: those were not sent yet. */
export function failRunning(reason, kept = new Set()) {
  for (const answer of running()) if (!kept.has(answer.id)) answer.finish("failed", reason);
  byStream.clear();
}
