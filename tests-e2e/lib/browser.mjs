// Headless Chromium by playwright-core, and in its pages the browser's own WebSocket.
// Knows how to open a page and what went wrong in it; `Peer` below runs inside the page.

import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A browser that is gone when `context` ends. */
export async function launch(context) {
  // Chromium's sandbox does not work for root, as whom containers run.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args, timeout: 30_000 });
  context.after(() => browser.close());
  return browser;
}

/** A page of its own profile at `address`, and all that its console complains of. */
export async function open(context, browser, address, options = {}) {
  const profile = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.after(() => profile.close());
  const page = await profile.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.addInitScript(definePeer);
  await page.goto(address);
  return { page, complaints };
}

/** Runs in the page: defines `Peer`, a client over the browser's WebSocket. */
function definePeer() {
  const PATIENCE_MS = 10_000;

  globalThis.Peer = class Peer {
    #inbox = [];
    #waiting = [];
    #ids = 0;

    /** A peer that has its welcome. */
    static async connect(options) {
      const peer = new Peer(options);
      peer.welcome = await peer.take('welcome');
      return peer;
    }

    constructor({ query = {}, protocols = [] } = {}) {
      const address = new URL('/ws', location.href.replace(/^http/, 'ws'));
      for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
      this.opened = false;
      this.socket = new WebSocket(address, protocols);
      this.socket.onopen = () => (this.opened = true);
      this.socket.onmessage = ({ data }) => this.#deliver(JSON.parse(data));
      this.closed = new Promise((resolve) => {
        this.socket.onclose = ({ code, reason }) => {
          this.#waiting.splice(0).forEach(({ reject }) => reject(new Error(`closed with ${code} ${reason}`)));
          resolve({ code, reason, opened: this.opened });
        };
      });
    }

    send(message) {
      this.socket.send(JSON.stringify(message));
    }

    ask(message) {
      const id = (this.#ids += 1);
      this.send({ ...message, id });
      return this.first((answer) => answer.id === id, `the answer to ${message.type}`);
    }

    take(type) {
      return this.first((message) => message.type === type, type);
    }

    first(wanted, what) {
      const at = this.#inbox.findIndex(wanted);
      if (at >= 0) return Promise.resolve(this.#inbox.splice(at, 1)[0]);
      return new Promise((resolve, reject) => {
        this.#waiting.push({ wanted, resolve, reject });
        setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
      });
    }

    #deliver(message) {
      const at = this.#waiting.findIndex(({ wanted }) => wanted(message));
      if (at < 0) this.#inbox.push(message);
      else this.#waiting.splice(at, 1)[0].resolve(message);
    }
  };
}
