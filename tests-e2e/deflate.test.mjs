// permessage-deflate, with Node's `ws`: what is agreed, what goes compressed, and what never does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Client, connect, connectAll } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { SECRET, token } from './lib/token.mjs';
import { within } from './lib/within.mjs';

const CONTENT = { text: 'low water, high water. '.repeat(40) };
const PLAIN_BYTES = JSON.stringify(CONTENT).length;

const gateway = await start({ after }, { set: { 'auth.anonymous': true } });

/** Bytes that came in for one client while `work` ran. */
async function received(client, work) {
  const tcp = client.socket._socket;
  const before = tcp.bytesRead;
  await work();
  return tcp.bytesRead - before;
}

test('a client that offers it is agreed with, without context in either direction', async () => {
  const client = await connect(gateway);
  const [name, ...parameters] = client.extensions.split(';').map((part) => part.trim());
  assert.equal(name, 'permessage-deflate');
  assert.ok(parameters.includes('server_no_context_takeover'), client.extensions);
  assert.ok(parameters.includes('client_no_context_takeover'), client.extensions);
  await client.close();
});

test('a long message goes compressed both ways, again and again', async () => {
  const client = await connect(gateway, { perMessageDeflate: { threshold: 0 } });
  for (let round = 0; round < 3; round += 1) {
    const bytes = await received(client, async () => {
      const answer = await client.ask({ type: 'message', content: CONTENT });
      assert.deepEqual(answer.content, CONTENT);
    });
    assert.ok(bytes < PLAIN_BYTES / 4, `${bytes} bytes for ${PLAIN_BYTES}`);
  }
  await client.close();
});

test('a client without it gets everything plain, beside one that has it', async () => {
  const [plain, deflated, sender] = await connectAll(gateway, { perMessageDeflate: false }, {}, {});
  assert.equal(plain.extensions, '');
  let bytes = 0;
  const plainBytes = await received(plain, async () => {
    bytes = await received(deflated, async () => {
      await sender.ask({ type: 'broadcast', content: CONTENT });
      for (const client of [plain, deflated]) {
        assert.deepEqual((await client.take('broadcast')).content, CONTENT);
      }
    });
  });
  assert.ok(plainBytes > PLAIN_BYTES, `${plainBytes}`);
  assert.ok(bytes < PLAIN_BYTES / 4, `${bytes}`);
  for (const client of [plain, deflated, sender]) await client.close();
});

test('gzip and lz4 are not agreed to on top of it', async () => {
  const agree = 'optimize,gzip,lz4';
  const [plain, deflated] = await connectAll(
    gateway,
    { perMessageDeflate: false, query: { agree } },
    { query: { agree } },
  );
  assert.deepEqual(plain.welcome.agreed, ['optimize', 'gzip', 'lz4']);
  assert.deepEqual(deflated.welcome.agreed, ['optimize']);
  const again = await deflated.ask({ type: 'hello', agree: agree.split(',') });
  assert.deepEqual(again.agreed, ['optimize']);
  for (const client of [plain, deflated]) await client.close();
});

test('a bomb costs its connection and no more than the limit', async () => {
  const client = await connect(gateway, { perMessageDeflate: { threshold: 0 } });
  const closed = new Promise((resolve) => client.socket.once('close', (code) => resolve(code)));
  client.socket.send(`"${'0'.repeat(64 * 1024 * 1024)}"`);
  assert.equal(await closed, 1009);
  const other = await connect(gateway);
  assert.equal((await other.ask({ type: 'ping' })).type, 'pong');
  await other.close();
});

test('takeover is agreed to where it is configured, and as far as there is room', async (t) => {
  const one = await start(t, { set: { 'codec.deflate_takeover': 2 } });
  const asked = { perMessageDeflate: { threshold: 0 } };
  const first = await connect(one, asked);
  const second = await connect(one, asked);
  assert.ok(!first.extensions.includes('no_context_takeover'), first.extensions);
  assert.ok(second.extensions.includes('server_no_context_takeover'), second.extensions);
  const sizes = [];
  for (let round = 0; round < 2; round += 1) {
    sizes.push(
      await received(first, async () => {
        const noise = [...Array(60).keys()].map((n) => Math.imul(n + 1, 2654435761)).join('-');
        const answer = await first.ask({ type: 'message', content: noise });
        assert.equal(answer.content, noise);
      }),
    );
  }
  assert.ok(sizes[1] < sizes[0] / 4, `the second refers to the first: ${sizes}`);
  for (const client of [first, second]) await client.close();
});

test('who is known may send more than a token, under takeover too', async (t) => {
  const set = { 'auth.jwt_secret': SECRET, 'auth.anonymous': false, 'codec.deflate_takeover': 2 };
  const one = await start(t, { set });
  const open = async () => {
    const client = new Client(one, { perMessageDeflate: { threshold: 0 } });
    await once(client.socket, 'open');
    assert.ok(!client.extensions.includes('client_no_context_takeover'), client.extensions);
    return client;
  };
  const content = 'low water, high water. '.repeat(20_000);
  const client = await open();
  client.send({ type: 'auth', token: token('ada') });
  await client.take('welcome');
  assert.equal((await client.ask({ type: 'message', content })).content, content);
  await client.close();
  const stranger = await open();
  stranger.send({ type: 'message', content });
  assert.equal((await within(stranger.closed, 'the close')).code, 1009);
});

test('where it is off nobody is agreed with', async (t) => {
  const off = await start(t, { set: { 'codec.deflate': false } });
  const client = await connect(off);
  assert.equal(client.extensions, '');
  const health = await (await fetch(`${off.http}/api/websocket/health`)).json();
  assert.equal(health.features.permessage_deflate, false);
  await client.close();
});
