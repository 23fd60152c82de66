// Starts the built gateway on a free port, waits for its announcement, and ends it with its test.
// Knows the command line and the announcement; nothing of the protocol.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from './within.mjs';

export const REPOSITORY = process.env.TIDEGATE_REPO ?? join(import.meta.dirname, '../..');

export const BINARY = process.env.TIDEGATE_BIN ?? join(REPOSITORY, 'target/debug/tidegate');
const READY = 'Stop with Ctrl-C';

/**
 * A running gateway. `context` is the test (or the suite's `{ after }`) whose end ends it; `set` holds keys and their
 * values; `toml` is a configuration file's text.
 */
export async function start(context, { set = {}, toml, listen = '127.0.0.1:0' } = {}) {
  const pairs = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const file = toml === undefined ? [] : ['--config', written(context, toml)];
  const gateway = new Gateway(['--listen', listen, ...file, ...pairs]);
  context.after(() => gateway.end());
  await within(gateway.ready, 'the announcement');
  return gateway;
}

/** A new folder that goes with its test. */
export function folder(context) {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-e2e-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function written(context, toml) {
  const path = join(folder(context), 'tidegate.toml');
  writeFileSync(path, toml);
  return path;
}

class Gateway {
  announcement = '';
  log = '';

  constructor(args) {
    this.process = spawn(BINARY, args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit').then(([code, signal]) => ({ code, signal }));
    this.process.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    this.ready = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.exited.then(({ code }) => reject(new Error(`the gateway ended with ${code}:\n${this.log}`)), reject);
      this.process.stdout.setEncoding('utf8').on('data', (text) => {
        this.announcement += text;
        if (this.announcement.includes(READY)) resolve();
      });
    });
  }

  /** The address of the page and the HTTP endpoints, without a path. */
  get http() {
    return new URL(this.#announced(/WebSocket +(\S+)/)).origin.replace(/^ws/, 'http');
  }

  get websocket() {
    return this.#announced(/WebSocket +(\S+)/);
  }

  get host() {
    return new URL(this.http).hostname;
  }

  get port() {
    return Number(new URL(this.http).port);
  }

  get apiKey() {
    return this.#announced(/API key.*\n +(\S+)/);
  }

  get isAlive() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** The JSON that `path` answers. */
  async get(path) {
    const response = await fetch(this.http + path, { headers: this.#key(), signal: AbortSignal.timeout(10_000) });
    return response.json();
  }

  async post(path, body) {
    const headers = { ...this.#key(), 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(10_000);
    return fetch(this.http + path, { method: 'POST', headers, body: JSON.stringify(body), signal });
  }

  async stats() {
    return this.get('/api/websocket/stats');
  }

  async end() {
    if (this.isAlive) this.process.kill('SIGKILL');
    await within(this.exited, 'the end of the gateway').catch(() => {});
  }

  #announced(pattern) {
    const found = pattern.exec(this.announcement);
    if (!found) throw new Error(`no ${pattern} in the announcement:\n${this.announcement}`);
    return found[1];
  }

  #key() {
    return { authorization: `Bearer ${this.apiKey}` };
  }
}

/** Ours, without what the gateway would take for its configuration. */
export function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGATE_')));
}
