// The browser's own WebSocket in headless Chromium, from a page that the gateway serves.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { launch, open } from './lib/browser.mjs';
import { start } from './lib/gateway.mjs';
import { SECRET, token, tokenOfOneWhoMayAll } from './lib/token.mjs';
import { until } from './lib/within.mjs';

const browser = await launch({ after });

/** A gateway with these settings, and a page from it that opens no connection by itself. */
async function visit(t, set = {}) {
  const gateway = await start(t, { set: { 'auth.jwt_secret': SECRET, ...set } });
  const { page } = await open(t, browser, `${gateway.http}/livez`);
  return { gateway, page };
}

/** How a browser carries a token: it cannot set headers. */
function bearer(user) {
  return { protocols: ['tidegate.v1.json', `tidegate.bearer.${tokenOfOneWhoMayAll(user)}`] };
}

test('a browser connects, is welcomed, and has its echo', async (t) => {
  const { page } = await visit(t);
  const content = { text: 'Wattenmeer, 潮, 🌊', deep: [[{ a: 1.5 }], null, true] };
  const seen = await page.evaluate(async (said) => {
    const peer = await Peer.connect();
    return { welcome: peer.welcome, answer: await peer.ask({ type: 'message', content: said }) };
  }, content);
  assert.equal(seen.welcome.protocol, 'tidegate.v1');
  assert.equal(seen.welcome.user, `anon:${seen.welcome.session}`);
  assert.deepEqual(seen.answer, { type: 'message', content, id: 1 });
});

for (const [name, takeover] of [['without', 0], ['with', 16]]) {
  test(`a browser agrees to permessage-deflate ${name} takeover, and a mebibyte goes there and back`, async (t) => {
    const roomy = { 'codec.max_message_bytes': '2MiB', 'queue.max_queue_bytes': '4MiB' };
    const { page } = await visit(t, { ...roomy, 'codec.deflate_takeover': takeover });
    const seen = await page.evaluate(async () => {
      const peer = await Peer.connect();
      const content = 'tide in, tide out. '.repeat(Math.ceil((1024 * 1024) / 19));
      const answers = [];
      for (let round = 0; round < 3; round += 1) answers.push(await peer.ask({ type: 'message', content }));
      return { extensions: peer.socket.extensions, same: answers.map((answer) => answer.content === content) };
    });
    assert.match(seen.extensions, /^permessage-deflate/);
    assert.equal(seen.extensions.includes('no_context_takeover'), takeover === 0, seen.extensions);
    assert.deepEqual(seen.same, [true, true, true]);
  });
}

test('a broadcast from one tab reaches another', async (t) => {
  const { gateway, page } = await visit(t);
  const { page: other } = await open(t, browser, `${gateway.http}/livez`);
  await other.evaluate(async (options) => (globalThis.peer = await Peer.connect(options)).welcome, bearer('bob'));
  const reply = await page.evaluate(async (options) => {
    const peer = await Peer.connect(options);
    return peer.ask({ type: 'broadcast', content: 'high tide' });
  }, bearer('ada'));
  assert.equal(reply.delivered, 1);
  const heard = await other.evaluate(() => peer.take('broadcast'));
  assert.equal(heard.content, 'high tide');
  assert.equal(heard.message_id, reply.message_id);
});

test('tabs in a group hear each other, see each other, and leave', async (t) => {
  const { page } = await visit(t);
  const seen = await page.evaluate(
    async ([forAda, forBob]) => {
      const [ada, bob] = await Promise.all([Peer.connect(forAda), Peer.connect(forBob)]);
      const joined = [await ada.ask({ type: 'join', group: 'harbour' }), await bob.ask({ type: 'join', group: 'harbour' })];
      const present = await ada.ask({ type: 'presence', group: 'harbour' });
      const to = { group: 'harbour' };
      const sent = await ada.ask({ type: 'send', to, content: 'ships', exclude: [{ user: 'ada' }] });
      const heard = await bob.take('message');
      const left = await bob.ask({ type: 'leave', group: 'harbour' });
      const alone = await ada.ask({ type: 'presence', group: 'harbour' });
      return { joined, present, sent, heard, left, alone };
    },
    [bearer('ada'), bearer('bob')],
  );
  assert.deepEqual(seen.joined.map(({ group }) => group), ['harbour', 'harbour']);
  assert.deepEqual(new Set(seen.present.members.map(({ user }) => user)), new Set(['ada', 'bob']));
  assert.equal(seen.sent.delivered, 1);
  assert.equal(seen.heard.content, 'ships');
  assert.equal(seen.left.group, 'harbour');
  assert.deepEqual(seen.alone.members.map(({ user }) => user), ['ada']);
});

test('a message to a user reaches it and nobody else', async (t) => {
  const { page } = await visit(t);
  const seen = await page.evaluate(
    async (options) => {
      const [ada, bob, eve] = await Promise.all(options.map(Peer.connect));
      const sent = await ada.ask({ type: 'send', to: { user: 'bob' }, content: { n: 1 } });
      const heard = await bob.take('message');
      return { sent, heard, other: await Promise.race([eve.take('message'), eve.ask({ type: 'ping' })]) };
    },
    ['ada', 'bob', 'eve'].map(bearer),
  );
  assert.equal(seen.sent.delivered, 1);
  assert.deepEqual(seen.heard.content, { n: 1 });
  assert.equal(seen.heard.from, 'ada');
  assert.equal(seen.other.type, 'pong');
});

test('a burst over the limit is refused with a time, and after that time requests pass again', async (t) => {
  const { page } = await visit(t, {
    'rate_limit.max_requests': 3,
    'rate_limit.window': '1s',
    'rate_limit.burst': 0,
    'rate_limit.block': '500ms',
  });
  const { answers, later } = await page.evaluate(async () => {
    const peer = await Peer.connect();
    const burst = await Promise.all([1, 2, 3, 4].map((n) => peer.ask({ type: 'get_stats', n })));
    await new Promise((resolve) => setTimeout(resolve, 1000 * burst[3].retry_after));
    return { answers: burst, later: await peer.ask({ type: 'get_stats' }) };
  });
  assert.deepEqual(
    answers.map(({ type }) => type),
    ['stats_response', 'stats_response', 'stats_response', 'rate_limit_error'],
  );
  assert.equal(answers[3].retry_after, 1);
  assert.equal(later.type, 'stats_response');
});

test('the sixth connection of one user is closed', async (t) => {
  const { page } = await visit(t);
  const closed = await page.evaluate(async (options) => {
    for (let n = 0; n < 5; n += 1) await Peer.connect(options);
    return new Peer(options).closed;
  }, bearer('ada'));
  assert.deepEqual(closed, { code: 1008, reason: 'Connection limit reached', opened: true });
});

test('a connection over the capacity is told so', async (t) => {
  const { page } = await visit(t, { 'pool.max_connections': 2 });
  const closed = await page.evaluate(async () => {
    await Promise.all([Peer.connect(), Peer.connect()]);
    return new Peer().closed;
  });
  assert.deepEqual(closed, { code: 1008, reason: 'Server at capacity', opened: true });
});

test('a bad token never opens, and closes with 4001 in a first message', async (t) => {
  const { page, gateway } = await visit(t, { 'auth.anonymous': false });
  const bad = token('ada', {}, 'a different secret of thirty-two bytes, or more');
  const protocols = ['tidegate.v1.json', `tidegate.bearer.${bad}`];
  const refused = await page.evaluate((options) => new Peer(options).closed, { protocols });
  assert.deepEqual([refused.code, refused.opened], [1006, false]);
  assert.equal((await gateway.stats()).refused.token, 1);
  const closed = await page.evaluate((given) => {
    const peer = new Peer();
    peer.socket.addEventListener('open', () => peer.send({ type: 'auth', token: given }));
    return peer.closed;
  }, bad);
  assert.deepEqual([closed.code, closed.opened], [4001, true]);
});

test('a stopping gateway closes a browser with 1001', async (t) => {
  const { page, gateway } = await visit(t);
  await page.evaluate(async () => (globalThis.peer = await Peer.connect()).welcome);
  gateway.process.kill('SIGINT');
  assert.equal((await page.evaluate(() => peer.take('goaway'))).resume, false);
  assert.equal((await page.evaluate(() => peer.closed)).code, 1001);
  await until(() => !gateway.isAlive, 'it ends');
  assert.equal(gateway.process.exitCode, 0);
});
