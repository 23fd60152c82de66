// Headless Firefox by WebDriver BiDi, which it speaks over a WebSocket of its own: no driver stands between. Knows how to
// open a page and to run a function in it; `Peer` (`page-peer.mjs`) is defined there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import WebSocket from 'ws';
import { folder } from './gateway.mjs';
import { definePeer } from './page-peer.mjs';
import { within } from './within.mjs';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const START_MS = 60_000;
const LISTENING = /WebDriver BiDi listening on (\S+)/;

/** A browser with a profile of its own that is gone when `context` ends. */
export async function launch(context) {
  const profile = folder(context);
  const switches = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'];
  const child = spawn(EXECUTABLE, switches, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  context.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const address = await within(listening(child), 'the browser', START_MS);
  const firefox = new Firefox(new WebSocket(`${address}/session`, { perMessageDeflate: false }));
  context.after(() => firefox.socket.terminate());
  await within(once(firefox.socket, 'open'), "the browser's driver");
  await firefox.command('session.new', { capabilities: {} });
  return firefox;
}

/** Where it says that it listens. */
function listening(child) {
  let said = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the browser ended with ${code}:\n${said}`)));
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      const found = LISTENING.exec(said);
      if (found) resolve(found[1]);
    });
  });
}

class Firefox {
  #ids = 0;
  #waiting = new Map();

  constructor(socket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const { id, ...answer } = JSON.parse(data.toString());
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  /** What a command answers. */
  async command(method, params) {
    const id = (this.#ids += 1);
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    const { type, result, message } = await within(answer, `the answer to ${method}`, START_MS);
    if (type !== 'success') throw new Error(`${method}: ${message}`);
    return result;
  }

  /** A new tab at `address`. */
  async open(address) {
    const { context } = await this.command('browsingContext.create', { type: 'tab' });
    await this.command('script.addPreloadScript', { functionDeclaration: definePeer.toString(), contexts: [context] });
    await this.command('browsingContext.navigate', { context, url: address, wait: 'complete' });
    return new Page(this, context);
  }
}

class Page {
  constructor(firefox, context) {
    this.firefox = firefox;
    this.context = context;
  }

  /** Runs a function in the page, and gives what it resolves to; `argument` and the answer are JSON. */
  async evaluate(work, argument = null) {
    const { type, result, exceptionDetails } = await this.firefox.command('script.callFunction', {
      functionDeclaration: `async (argument) => JSON.stringify(await (${work})(JSON.parse(argument)))`,
      arguments: [{ type: 'string', value: JSON.stringify(argument) }],
      target: { context: this.context },
      awaitPromise: true,
    });
    if (type !== 'success') throw new Error(exceptionDetails.text);
    return JSON.parse(result.value);
  }
}
