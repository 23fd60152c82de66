// The program itself: what it prints, what of that works when pasted, how it stops, what it counts.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, connectAll } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { begin, events, routedTo, upstream } from './lib/upstream.mjs';
import { pause, within } from './lib/within.mjs';

/** Runs a shell line; its exit code and what it printed. */
async function shell(line) {
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  const [code] = await within(once(child, 'close'), line);
  return { code, out };
}

/** The command that the announcement prints: from `curl` on, over the lines that a backslash joins. */
function printedCommand({ announcement }) {
  const [command] = /curl (?:.*\\\n)*.*/.exec(announcement);
  return command;
}

test('the printed curl line works when pasted', async (t) => {
  const gateway = await start(t);
  const client = await connect(gateway);
  const { code, out } = await shell(`${printedCommand(gateway)} --silent --show-error --max-time 10`);
  assert.equal(code, 0);
  const { message_id } = JSON.parse(out);
  const content = 'Hello from the backend';
  assert.deepEqual(await client.take('broadcast'), { type: 'broadcast', content, message_id });
});

test('each printed address answers', async (t) => {
  const gateway = await start(t);
  const addresses = gateway.announcement.match(/http:\/\/\S+/g);
  assert.ok(addresses.length >= 3);
  for (const address of addresses.filter((each) => !each.endsWith('/publish'))) {
    const answer = await fetch(address, { signal: AbortSignal.timeout(5000) });
    assert.equal(answer.status, 200, address);
    assert.ok((await answer.text()).length > 0, address);
  }
  for (const path of ['/livez', '/readyz']) assert.equal((await fetch(gateway.http + path)).status, 200);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} tells every session goaway, closes with 1001 and ends with 0`, async (t) => {
    const gateway = await start(t);
    const clients = await connectAll(gateway, {}, {});
    gateway.process.kill(signal);
    for (const client of clients) {
      const goaway = await client.take('goaway');
      assert.equal(typeof goaway.reason, 'string');
      for (const field of ['reconnect_after_ms', 'jitter_ms']) assert.equal(typeof goaway[field], 'number', field);
      assert.equal(goaway.resume, false);
      assert.equal((await within(client.closed, 'the close')).code, 1001);
    }
    assert.deepEqual(await within(gateway.exited, 'the end'), { code: 0, signal: null });
  });
}

test('while draining a stream may end, and nobody new comes in', async (t) => {
  const gate = {};
  gate.promise = new Promise((resolve) => (gate.open = resolve));
  const chunk = (content) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
  const seen = await upstream(t, async (response) => {
    begin(response);
    response.write(events([chunk('first ')], { done: false }));
    await gate.promise;
    response.end(events([chunk('last')]));
  });
  const gateway = await start(t, { toml: routedTo(seen.address) });
  const client = await connect(gateway);
  await client.ask({ type: 'stream', query: 'x' });
  assert.equal((await client.take('stream_chunk')).data, 'first ');

  gateway.process.kill('SIGINT');
  await client.take('goaway');
  const ready = await fetch(`${gateway.http}/readyz`).then(({ status }) => status, () => 'no connection');
  assert.ok(ready === 503 || ready === 'no connection', `${ready}`);
  gate.open();
  assert.equal((await client.take('stream_chunk')).data, 'last');
  assert.equal((await client.take('stream_end')).complete, true);
  assert.equal((await within(client.closed, 'the close')).code, 1001);
  assert.equal((await within(gateway.exited, 'the end')).code, 0);
});

test('a client that does not answer the close holds a stopping gateway no longer than its drain', async (t) => {
  const gateway = await start(t, { set: { drain_timeout: '500ms', 'session.close_timeout': '300ms' } });
  const client = await connect(gateway);
  client.socket.pause();
  const begun = performance.now();
  gateway.process.kill('SIGINT');
  assert.equal((await within(gateway.exited, 'the end')).code, 0);
  assert.ok(performance.now() - begun < 3000);
});

test('a page that is not there, and a method that is not meant, are problem documents', async (t) => {
  const gateway = await start(t);
  for (const [method, path, status, code] of [
    ['GET', '/nowhere', 404, 'not_found'],
    ['GET', '/api/v1/publish', 405, 'method_not_allowed'],
    ['POST', '/livez', 405, 'method_not_allowed'],
  ]) {
    const answer = await fetch(gateway.http + path, { method });
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    const problem = await answer.json();
    assert.equal(problem.status, status);
    assert.equal(problem.code, code);
    if (status === 405) assert.ok(answer.headers.get('allow'), path);
  }
});

test('what cannot be published is refused with its reason', async (t) => {
  const gateway = await start(t);
  for (const [body, status, code] of [
    [{ to: 'all' }, 400, 'malformed'],
    [{ to: 'all', content: 1, contents: 2 }, 400, 'malformed'],
    [{ to: 'nobody', content: 1 }, 400, 'malformed'],
    [{ to: 'all', content: 1, type: 'welcome' }, 422, 'reserved_type'],
    [{ to: 'all', content: 1, delay_ms: 5 }, 422, 'unsupported'],
    [{ to: 'all', content: 'x'.repeat(2 ** 21) }, 413, 'too_large'],
  ]) {
    const answer = await gateway.post('/api/v1/publish', body);
    assert.equal(answer.status, status, JSON.stringify(body).slice(0, 80));
    assert.equal((await answer.json()).code, code);
  }
});

test('who is connected is listed, and a dead connection is found by its silence', async (t) => {
  const gateway = await start(t, {
    set: { 'heartbeat.ping_interval': '100ms', 'heartbeat.ping_timeout': '100ms', 'session.close_timeout': '100ms' },
  });
  const [alive, dead] = await connectAll(gateway, {}, {});
  dead.socket.pause();
  await pause(800);
  assert.equal((await alive.ask({ type: 'ping' })).type, 'pong', 'who answers pings lives');
  const stats = await gateway.stats();
  assert.deepEqual(Object.keys(stats.connections_by_user), [alive.welcome.user]);
  const text = JSON.stringify(await gateway.get('/api/v1/connections'));
  assert.ok(text.includes(alive.welcome.session) && !text.includes(dead.welcome.session), text);
});

test('a misspelt key is named with its line, and the gateway does not start', async (t) => {
  await assert.rejects(start(t, { toml: '[rate_limit]\nmax_reqests = 3\n' }), (error) => {
    assert.match(error.message, /ended with [1-9]/);
    assert.match(error.message, /tidegate\.toml:2\b/);
    assert.match(error.message, /max_requests/);
    return true;
  });
});

test('an address that others can reach needs authentication', async (t) => {
  await assert.rejects(start(t, { listen: '0.0.0.0:0' }), /jwt_secret/);
});
