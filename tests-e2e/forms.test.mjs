// The forms that clients may agree to, read by decoders of our own and of others: abbreviated, MessagePack, gzip,
// lz4, batches. All say what plain JSON says, and the statistics tell the bytes that were saved.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode as pack } from '@msgpack/msgpack';
import { connect } from './lib/client.mjs';
import { Expander, jsonFrame, members, messagePackFrame } from './lib/decode.mjs';
import { REPOSITORY, start } from './lib/gateway.mjs';
import { routedTo, begin, events, every, upstream, writeCut } from './lib/upstream.mjs';
import { until } from './lib/within.mjs';

const CODEC = join(REPOSITORY, 'crates/payload-codec');
const expander = new Expander(JSON.parse(text(`${CODEC}/dictionaries/chat-v1.json`)));

/** What each client agreed, and how it reads its frames. */
const forms = {
  plain: {},
  optimize: { query: { agree: 'optimize' } },
  gzip: { query: { agree: 'gzip' } },
  lz4: { query: { agree: 'lz4' } },
  'optimize and gzip': { query: { agree: 'optimize,gzip' } },
  'optimize and batch': { query: { agree: 'optimize,batch' } },
  MessagePack: { protocols: ['tidegate.v1.msgpack'] },
  'MessagePack, optimize and batch': { protocols: ['tidegate.v1.msgpack'], query: { agree: 'optimize,batch' } },
  'MessagePack, optimize and gzip': { protocols: ['tidegate.v1.msgpack'], query: { agree: 'optimize,gzip' } },
  'MessagePack and lz4': { protocols: ['tidegate.v1.msgpack'], query: { agree: 'lz4' } },
};

/** A client of this form, which also counts its frames by what they are. */
async function connectAs(gateway, form) {
  const frames = { text: 0, binary: 0, marked: 0, compressed: 0, batches: 0, bytes: 0 };
  const packs = form.protocols !== undefined;
  const decode = (data, isBinary) => {
    const value = packs ? messagePackFrame(data, isBinary) : jsonFrame(data, isBinary);
    frames[isBinary ? 'binary' : 'text'] += 1;
    frames.bytes += data.length;
    frames.compressed += isBinary && (!packs || data[0] === 0xc1) ? 1 : 0;
    frames.batches += value.type === 'batch' && value._v === undefined ? 1 : 0;
    frames.marked += members(value).filter(({ _v }) => _v === 2).length;
    return members(expander.message(value));
  };
  const encode = packs ? pack : JSON.stringify;
  const client = await connect(gateway, { ...form, perMessageDeflate: !/gzip|lz4/.test(form.query?.agree), decode, encode });
  Object.assign(frames, { text: 0, binary: 0, bytes: 0 });
  return Object.assign(client, { frames });
}

const corpus = ['chat_messages', 'presence', 'webhooks', 'plans_large'].flatMap((name) =>
  text(join(REPOSITORY, `corpora/${name}.jsonl`)).split('\n').filter(Boolean).slice(0, 60).map(JSON.parse),
);

test('the decoder of the optimized form turns back every published vector', () => {
  const vectors = JSON.parse(text(`${CODEC}/vectors/optimize.json`));
  assert.ok(vectors.length > 20);
  for (const { name, json, optimized } of vectors) {
    assert.deepEqual(expander.message(JSON.parse(optimized)), JSON.parse(json), name);
  }
});

test('clients of every form decode the same messages as a plain one', async (t) => {
  const gateway = await start(t, { set: { 'queue.max_queue_size': 1000, 'queue.max_queue_bytes': '64MiB' } });
  const clients = await Promise.all(Object.values(forms).map((form) => connectAs(gateway, form)));
  for (const content of corpus) {
    assert.equal((await gateway.post('/api/v1/publish', { to: 'all', content })).status, 202);
  }
  const [plain, ...others] = clients;
  const expected = [];
  for (const content of corpus) {
    const message = await plain.take('message');
    assert.deepEqual(message.content, content);
    expected.push(message);
  }
  for (const client of others) {
    for (const message of expected) assert.deepEqual(await client.take('message'), message);
  }
});

test('each feature shows on the wire where it was agreed, and nowhere else', async (t) => {
  const gateway = await start(t);
  const clients = await Promise.all(Object.values(forms).map((form) => connectAs(gateway, form)));
  const [chat, plan] = [corpus[0], corpus.at(-1)];
  for (const content of [chat, plan, chat, chat]) await gateway.post('/api/v1/publish', { to: 'all', content });
  for (const [n, [name, form]] of Object.entries(forms).entries()) {
    const { frames, welcome } = clients[n];
    for (let taken = 0; taken < 4; taken += 1) await clients[n].take('message');
    const packs = name.startsWith('MessagePack');
    const compresses = /gzip|lz4/.test(name);
    assert.equal(welcome.agreed.join(), form.query?.agree ?? '', name);
    assert.equal(frames.marked > 0, name.includes('optimize'), name);
    assert.equal(frames.compressed, compresses ? 1 : 0, name);
    assert.equal(frames.text === 0, packs, name);
    if (!name.includes('batch')) assert.equal(frames.batches, 0, name);
  }
});

test('a hello replaces the features that were agreed before', async (t) => {
  const gateway = await start(t, { set: { 'codec.lz4': false } });
  const client = await connectAs(gateway, forms.plain);
  assert.deepEqual((await client.ask({ type: 'hello', agree: ['optimize', 'lz4', 'unheard-of'] })).agreed, ['optimize']);
  assert.deepEqual((await client.ask({ type: 'message', content: corpus[0] })).content, corpus[0]);
  assert.ok(client.frames.marked > 0);
  assert.deepEqual((await client.ask({ type: 'hello', agree: [] })).agreed, []);
  client.frames.marked = 0;
  assert.deepEqual((await client.ask({ type: 'message', content: corpus[0] })).content, corpus[0]);
  assert.equal(client.frames.marked, 0);
});

test('messages that wait together come as a batch, in order', async (t) => {
  const gateway = await start(t);
  const client = await connectAs(gateway, forms['optimize and batch']);
  const sent = Array.from({ length: 20 }, (_, n) => n);
  for (const content of sent) await gateway.post('/api/v1/publish', { to: 'all', content });
  const came = [];
  for (const _ of sent) came.push((await client.take('message')).content);
  assert.deepEqual(came, sent);
  assert.ok(client.frames.batches >= 1);
  assert.ok(client.frames.text < sent.length, `${client.frames.text} frames`);
});

test('a streamed answer is the same in every form', async (t) => {
  const chunks = text(join(REPOSITORY, 'corpora/openai_stream.jsonl')).split('\n').slice(0, 120);
  const expected = chunks.map((line) => JSON.parse(line).choices[0]?.delta.content ?? '').join('');
  const seen = await upstream(t, async (response) => {
    const bytes = events(chunks);
    begin(response);
    await writeCut(response, bytes, every(500)(bytes));
    response.end();
  });
  const gateway = await start(t, { toml: routedTo(seen.address) });
  await Promise.all(
    Object.entries(forms).map(async ([name, form]) => {
      const client = await connectAs(gateway, form);
      const { stream } = await client.ask({ type: 'stream', query: 'x' });
      let said = '';
      let message;
      while (message?.type !== 'stream_end') {
        message = await client.first((each) => each.stream === stream);
        said += message.data ?? '';
      }
      assert.equal(said, expected, name);
      assert.equal(message.complete, true);
    }),
  );
});

for (const [name, form] of Object.entries(forms)) {
  test(`the statistics tell what was saved in the form ${name}`, async (t) => {
    const gateway = await start(t);
    const client = await connectAs(gateway, form);
    assert.equal((await gateway.post('/api/websocket/stats/reset')).status, 200);
    const contents = [corpus[0], corpus.at(-1), corpus[100], corpus[1]];
    let original = 0;
    for (const content of contents) {
      const answer = await gateway.post('/api/v1/publish', { to: 'all', content });
      const { message_id } = await answer.json();
      await client.take('message');
      original += Buffer.byteLength(JSON.stringify({ type: 'message', message_id, content }));
    }
    const sent = client.frames.bytes;
    await until(async () => (await gateway.stats()).total_messages >= contents.length, 'all are counted');
    const stats = await gateway.stats();
    assert.equal(stats.total_messages, contents.length);
    assert.equal(stats.total_bytes_original, original);
    assert.equal(stats.total_bytes_optimized, sent);
    assert.equal(stats.compressed_messages, client.frames.compressed);
    assert.ok(Math.abs(stats.reduction_percentage - 100 * (1 - sent / original)) < 0.01, stats.reduction_percentage);
    assert.ok(Math.abs(stats.avg_message_size - sent / contents.length) < 0.01, stats.avg_message_size);
    if (name !== 'plain') assert.ok(sent < original);
    const { performance } = await gateway.get('/api/websocket/health');
    assert.deepEqual(performance, { total_messages: 4, reduction_percentage: stats.reduction_percentage });
  });
}

function text(path) {
  return readFileSync(path, 'utf8');
}
