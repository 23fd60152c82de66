// What a test puts into a browser's page: a client over the browser's own WebSocket. Knows the protocol's envelope, and
// nothing of how it came there.

/** Runs in the page: defines `Peer`, a client over the browser's WebSocket. */
export function definePeer() {
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
