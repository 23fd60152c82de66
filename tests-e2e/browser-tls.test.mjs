// Headless Chromium over TLS: a page by https, its WebSocket by wss, with a certificate made on the spot.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { BINARY, environment, folder, start } from './lib/gateway.mjs';
import { SECRET } from './lib/token.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'], timeout: 30_000 });
after(() => browser.close());

/** A gateway that speaks TLS, with a certificate that nobody else has signed. */
async function secured(context, set = {}) {
  const path = folder(context);
  const [cert, key] = [join(path, 'cert.pem'), join(path, 'key.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const about = ['-days', '2', '-subj', '/CN=localhost', '-addext', names];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...about], { stdio: 'ignore' });
  return start(context, { set: { 'tls.cert': cert, 'tls.key': key, 'auth.jwt_secret': SECRET, ...set } });
}

/** A token that the program itself makes for development. */
function made(user) {
  const args = ['token', '--user', user, '--ttl', '1h', '--set', `auth.jwt_secret=${SECRET}`];
  return execFileSync(BINARY, args, { encoding: 'utf8', env: environment() }).trim();
}

/** A page of this gateway, in a browser window that takes its certificate, or one that does not. */
async function visit(context, address, ignoreHTTPSErrors = true) {
  const window = await browser.newContext({ ignoreHTTPSErrors });
  context.after(() => window.close());
  const page = await window.newPage();
  const response = await page.goto(address);
  return { page, response };
}

test('a page by https connects by wss with a token, and has its echo', async (t) => {
  const gateway = await secured(t);
  assert.match(gateway.websocket, /^wss:/);
  const { page, response } = await visit(t, `${gateway.http}/livez`);
  const { protocol } = await response.securityDetails();
  assert.equal(protocol, 'TLS 1.3');
  const protocols = ['tidegate.v1.json', `tidegate.bearer.${made('ada')}`];
  const seen = await page.evaluate(
    async ([address, offered]) => {
      const socket = new WebSocket(address, offered);
      const next = () =>
        new Promise((resolve, reject) => {
          socket.onmessage = ({ data }) => resolve(JSON.parse(data));
          socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
        });
      const welcome = await next();
      socket.send(JSON.stringify({ type: 'message', id: 1, content: 'ä'.repeat(100_000) }));
      const echo = await next();
      return { welcome, echo, protocol: socket.protocol };
    },
    [gateway.websocket, protocols],
  );
  assert.equal(seen.welcome.user, 'ada');
  assert.equal(seen.protocol, 'tidegate.v1.json');
  assert.equal(seen.echo.content, 'ä'.repeat(100_000));
});

test('the page itself comes by HTTP/2', async (t) => {
  const gateway = await secured(t);
  const { page } = await visit(t, `${gateway.http}/livez`);
  const version = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  assert.equal(version, 'h2');
});

test('a certificate that the browser does not know is refused by it', async (t) => {
  const gateway = await secured(t);
  await assert.rejects(visit(t, `${gateway.http}/livez`, false), /ERR_CERT_AUTHORITY_INVALID/);
});
