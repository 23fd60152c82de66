// Answers of a real upstream over HTTP, streamed to Node's `ws`: whole at any speed and any cut, broken off, cancelled.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect } from './lib/client.mjs';
import { answers } from './lib/corpora.mjs';
import { start } from './lib/gateway.mjs';
import { awkward, begin, events, every, everywhere, pause, routedTo, turn, upstream, writeCut } from './lib/upstream.mjs';
import { until } from './lib/within.mjs';

const corpus = answers();
const [first] = corpus;

/** Runs a stream to its end: its start, its text, its events, and its last message. */
async function run(client, command) {
  const begun = await client.ask({ type: 'stream', ...command });
  assert.equal(begun.type, 'stream_start', JSON.stringify(begun));
  return { begun, ...(await follow(client, begun.stream)) };
}

async function follow(client, stream) {
  const said = [];
  for (;;) {
    const message = await client.first((each) => each.stream === stream && each.type !== 'reply', 'more of the stream');
    if (message.type !== 'stream_chunk') return { ...spoken(said), last: message };
    said.push(message.data);
  }
}

function spoken(said) {
  return {
    text: said.filter((data) => typeof data === 'string').join(''),
    others: said.filter((data) => typeof data !== 'string'),
  };
}

async function routed(t, behave, options = {}) {
  const seen = await upstream(t, behave);
  const gateway = await start(t, { toml: routedTo(seen.address, options.route), set: options.set });
  return { seen, gateway, client: await connect(gateway, options.client) };
}

/** An upstream that replays the answer which the query numbers. */
function replay(cut, between, form) {
  return async (response, { json }) => {
    const bytes = events(corpus[Number(json.messages.at(-1).content)].chunks, form);
    begin(response);
    await writeCut(response, bytes, cut(bytes), between);
    response.end();
  };
}

const hurried = () => undefined;
const leisurely = () => pause(1);

for (const [how, cut, between, form] of [
  ['one line at a time', (bytes) => linesOf(bytes), turn],
  ['all at once', () => [], turn],
  ['cut at every awkward byte', awkward, turn],
  ['cut at every awkward byte, with CRLF', awkward, turn, { end: '\r\n' }],
  ['cut at every awkward byte, with CR', awkward, hurried, { end: '\r' }],
  ['in pieces of 7 bytes', every(7), hurried],
  ['in pieces of 1 009 bytes, slowly', every(1009), leisurely],
]) {
  test(`each recorded answer arrives whole, ${how}`, async (t) => {
    const { client } = await routed(t, replay(cut, between, form));
    for (const [n, expected] of corpus.entries()) {
      const { begun, text, others, last } = await run(client, { query: String(n) });
      assert.equal(begun.session_id, client.welcome.session);
      assert.equal(text, expected.text, expected.name);
      assert.deepEqual(others, expected.others, expected.name);
      assert.deepEqual(last, { type: 'stream_end', stream: begun.stream, complete: true });
    }
  });
}

test('an answer cut after every single byte arrives whole', async (t) => {
  const { client } = await routed(t, replay(everywhere, hurried));
  const { text, last } = await run(client, { query: '0' });
  assert.equal(text, first.text);
  assert.equal(last.complete, true);
});

test('eight answers at once arrive whole, each under its own name', async (t) => {
  const { client, gateway } = await routed(t, replay(every(64), turn));
  const runs = await Promise.all(Array.from({ length: 8 }, (_, n) => run(client, { query: String(n % corpus.length) })));
  for (const [n, { text, last }] of runs.entries()) {
    assert.equal(text, corpus[n % corpus.length].text);
    assert.equal(last.complete, true);
  }
  assert.equal(new Set(runs.map(({ begun }) => begun.stream)).size, 8);
  assert.equal((await gateway.stats()).streams.completed, 8);
});

test('a token arrives long before the answer is whole', async (t) => {
  const gate = deferred();
  const { client } = await routed(t, async (response) => {
    begin(response);
    response.write(events(first.chunks.slice(0, 3), { done: false }));
    await gate.promise;
    response.end(events(first.chunks.slice(3)));
  });
  const { stream } = await client.ask({ type: 'stream', query: '0' });
  const early = await client.take('stream_chunk');
  gate.resolve();
  const { text } = await follow(client, stream);
  assert.equal(early.data + text, first.text);
});

test('the upstream is asked in its own form, and told who asks', async (t) => {
  const { client, seen } = await routed(t, replay(() => [], turn));
  await run(client, { query: '0' });
  const [{ headers, json }] = seen.requests;
  assert.deepEqual(json, { model: 'tide-1', stream: true, messages: [{ role: 'user', content: '0' }] });
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['tidegate-user'], client.welcome.user);
  assert.equal(headers['tidegate-session'], client.welcome.session);
});

test('a connection to the upstream is used again', async (t) => {
  const { client, seen } = await routed(t, (response) => (begin(response), response.end(events(first.chunks))));
  for (let n = 0; n < 8; n += 1) {
    await run(client, { query: '0' });
    await pause(10);
  }
  assert.equal(seen.requests.length, 8);
  // One, or a second one where the next question overtook the end of an answer.
  assert.ok(seen.connections <= 2, `${seen.connections} connections`);
});

test('a message, and a type bound to the route, are answered by the whole text', async (t) => {
  const { client } = await routed(t, replay(every(100), turn));
  for (const type of ['message', 'ask']) {
    const answer = await client.ask({ type, content: '0' });
    assert.equal(answer.type, 'message');
    assert.equal(answer.content, first.text);
  }
  const begun = await client.ask({ type: 'ask', stream: true, content: '0' });
  assert.equal(begun.type, 'stream_start');
  assert.equal((await follow(client, begun.stream)).text, first.text);
});

test('cancel closes the upstream request and ends the stream as incomplete', async (t) => {
  const { client, seen, gateway } = await routed(t, async (response) => {
    begin(response);
    for (const chunk of first.chunks.slice(0, 4)) response.write(events([chunk], { done: false }));
  });
  const { stream } = await client.ask({ type: 'stream', query: '0' });
  await client.take('stream_chunk');
  assert.equal(seen.closed, 0);
  const reply = await client.ask({ type: 'cancel', stream });
  assert.equal(reply.type, 'reply');
  assert.equal(reply.stream, stream);
  assert.equal((await follow(client, stream)).last.complete, false);
  await until(() => seen.closed === 1, 'the upstream request is closed');
  assert.equal((await gateway.stats()).streams.cancelled, 1);
  assert.equal((await client.ask({ type: 'cancel', stream })).code, 'not_found');
});

test('a client that leaves closes its upstream request', async (t) => {
  const { client, seen, gateway } = await routed(t, async (response) => {
    begin(response);
    response.write(events(first.chunks.slice(0, 4), { done: false }));
  });
  await client.ask({ type: 'stream', query: '0' });
  await client.take('stream_chunk');
  client.socket.terminate();
  await until(() => seen.closed === 1, 'the upstream request is closed');
  await until(async () => (await gateway.stats()).streams.active === 0, 'the run is over');
});

const deaths = {
  'that resets its connection': (response) => response.socket.resetAndDestroy(),
  'that closes its connection in the middle': (response) => response.destroy(),
  'that ends its answer without [DONE]': (response) => response.end(),
  'that breaks off inside an event': (response) => response.write('data: {"choices":[{"del', () => response.destroy()),
};

for (const [how, die] of Object.entries(deaths)) {
  test(`an upstream ${how} is told as stream_error, and the gateway lives`, async (t) => {
    let deadly = true;
    const { client, gateway } = await routed(t, async (response) => {
      begin(response);
      const chunks = first.chunks.slice(0, 6);
      response.write(events(deadly ? chunks : first.chunks, { done: !deadly }));
      if (!deadly) return response.end();
      await pause(30);
      return die(response);
    });
    const { text, last } = await run(client, { query: '0' });
    assert.equal(last.type, 'stream_error');
    assert.equal(last.code, 'upstream_died');
    assert.equal(typeof last.message, 'string');
    assert.ok(first.text.startsWith(text) && text.length < first.text.length);

    deadly = false;
    assert.equal((await run(client, { query: '0' })).text, first.text);
    const { streams } = await gateway.stats();
    assert.deepEqual([streams.failed, streams.completed, streams.active], [1, 1, 0]);
  });
}

test('each failure of an upstream has its code', async (t) => {
  const behaviours = {
    upstream_status: (response) => response.writeHead(500).end('no'),
    upstream_malformed: (response) => (begin(response), response.end('data: {"choices":\n\n')),
    upstream_timeout: () => {},
    rate_limit_exceeded: (response) => {
      begin(response);
      response.end(events(['{"error":{"code":"rate_limit_exceeded","message":"slow down"}}']));
    },
    upstream_error: (response) => (begin(response), response.end(events(['{"error":{"message":"broken"}}']))),
  };
  const { client } = await routed(
    t,
    (response, { json }) => behaviours[json.messages.at(-1).content](response),
    { set: { 'stream.first_byte_timeout': '200ms' } },
  );
  for (const code of Object.keys(behaviours)) {
    const { last } = await run(client, { query: code });
    assert.equal(last.type, 'stream_error');
    assert.equal(last.code, code, last.message);
  }
});

test('an upstream that is not there is told as upstream_unreachable', async (t) => {
  const gateway = await start(t, { toml: routedTo(await nobodysAddress()) });
  const client = await connect(gateway);
  assert.equal((await run(client, { query: '0' })).last.code, 'upstream_unreachable');
  assert.equal((await client.ask({ type: 'message', content: '0' })).code, 'upstream_failed');
  assert.equal((await client.ask({ type: 'stream', query: '0', route: 'other' })).code, 'not_found');
});

test('lines of JSON and plain text are streamed as they come', async (t) => {
  const types = { ndjson: 'application/x-ndjson', text: 'text/plain; charset=utf-8' };
  const bodies = { ndjson: '{"step":1}\n{"step":2}\n', text: 'Ebbe und Flut, 潮の満ち引き' };
  for (const form of ['ndjson', 'text']) {
    const route = `request = "json"\nresponse = "${form}"\nvocabulary = "${form === 'text' ? 'text' : 'json'}"`;
    const { client } = await routed(
      t,
      async (response) => {
        response.writeHead(200, { 'content-type': types[form] });
        const bytes = Buffer.from(bodies[form]);
        await writeCut(response, bytes, everywhere(bytes));
        response.end();
      },
      { route },
    );
    const { text, others, last } = await run(client, { query: 'x' });
    if (form === 'text') assert.equal(text, bodies.text);
    else assert.deepEqual(others, [{ step: 1 }, { step: 2 }]);
    assert.equal(last.complete, true);
  }
});

test('a client that does not read holds back the upstream, and has the whole answer when it reads', async (t) => {
  const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'tide '.repeat(2000) } }] });
  const bytes = events([chunk]).subarray(0, -'data: [DONE]\n\n'.length);
  const rounds = 4000;
  let written = 0;
  const { client, gateway } = await routed(t, async (response) => {
    begin(response);
    for (written = 0; written < rounds && !response.destroyed; written += 1) await writeCut(response, bytes, []);
    response.end(events([]));
  }, { client: { perMessageDeflate: false } });
  const { stream } = await client.ask({ type: 'stream', query: '0' });
  client.socket.pause();
  let seen = -1;
  await until(async () => {
    const before = seen;
    seen = written;
    await pause(200);
    return before === written;
  }, 'the upstream is held back');
  assert.ok(written < rounds, `all ${rounds} chunks were taken`);
  assert.ok((await gateway.stats()).queue.depth <= 100);
  client.socket.resume();
  const { text, last } = await follow(client, stream);
  assert.equal(text.length, rounds * 10_000);
  assert.equal(last.complete, true);
});

function linesOf(bytes) {
  return Array.from(bytes.keys()).filter((at) => bytes[at - 1] === 10);
}

async function nobodysAddress() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
