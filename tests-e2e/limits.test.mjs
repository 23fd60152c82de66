// What a client may not overdo, with Node's `ws`: requests in a window, connections of a user, connections in all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, connect } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { RawSocket } from './lib/raw-socket.mjs';
import { SECRET, token } from './lib/token.mjs';
import { pause, until, within } from './lib/within.mjs';

/** By how much the gateway lets connections in, to tell them that it is full. */
const MARGIN = 16;

test('a burst over the limit is refused with a time, and after that time requests pass again', async (t) => {
  const gateway = await start(t, {
    set: {
      'rate_limit.max_requests': 3,
      'rate_limit.window': '1s',
      'rate_limit.burst': 0,
      'rate_limit.block': '500ms',
    },
  });
  const client = await connect(gateway);
  const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => client.ask({ type: 'get_stats', n })));
  assert.deepEqual(
    answers.map(({ type }) => type),
    ['stats_response', 'stats_response', 'stats_response', 'rate_limit_error', 'rate_limit_error'],
  );
  const [refusal] = answers.slice(3);
  assert.equal(typeof refusal.message, 'string');
  assert.equal(refusal.retry_after, 1);
  assert.equal((await client.ask({ type: 'ping' })).type, 'pong', 'what is free stays free');

  await pause(1000 * refusal.retry_after);
  assert.equal((await client.ask({ type: 'get_stats' })).type, 'stats_response');
  const { rate_limit } = await gateway.stats();
  assert.equal(rate_limit.allowed, 5);
  assert.equal(rate_limit.limited + rate_limit.blocked, 2);
  await client.close();
});

test('the limit of one session is not that of another', async (t) => {
  const set = { 'rate_limit.max_requests': 1, 'rate_limit.burst': 0 };
  const gateway = await start(t, { set });
  const [first, second] = [await connect(gateway), await connect(gateway)];
  assert.equal((await first.ask({ type: 'get_stats' })).type, 'stats_response');
  assert.equal((await first.ask({ type: 'get_stats' })).type, 'rate_limit_error');
  assert.equal((await second.ask({ type: 'get_stats' })).type, 'stats_response');
});

test('by default 35 requests pass at once, and then a minute is asked for', async (t) => {
  const gateway = await start(t, { set: { 'dev.demo': false } });
  const client = await connect(gateway);
  for (let n = 1; n <= 35; n += 1) {
    assert.equal((await client.ask({ type: 'message', content: n })).type, 'message', `request ${n}`);
  }
  const refusal = await client.ask({ type: 'message', content: 36 });
  assert.equal(refusal.type, 'rate_limit_error');
  assert.ok(refusal.retry_after >= 30 && refusal.retry_after <= 60, `${refusal.retry_after} s`);
});

test('the sixth connection of one user is closed, and a place that is left is free again', async (t) => {
  const gateway = await start(t, { set: { 'auth.jwt_secret': SECRET } });
  const options = { query: { token: token('ada') } };
  const five = [];
  for (let n = 0; n < 5; n += 1) five.push(await connect(gateway, options));

  const sixth = new Client(gateway, options);
  const closed = await within(sixth.closed, 'the close of the sixth');
  assert.deepEqual(closed, { code: 1008, reason: 'Connection limit reached' });
  assert.equal((await connect(gateway, { query: { token: token('bob') } })).welcome.user, 'bob');
  for (const client of five) assert.equal((await client.ask({ type: 'ping' })).type, 'pong');

  await five[0].close();
  await until(async () => (await gateway.stats()).connections_by_user.ada === 4, 'the place is free');
  assert.equal((await connect(gateway, options)).welcome.user, 'ada');
  assert.equal((await gateway.stats()).refused.user_limit, 1);
});

test('a connection over the capacity is told so', async (t) => {
  const gateway = await start(t, { set: { 'pool.max_connections': 2 } });
  const inside = [await connect(gateway), await connect(gateway)];
  const third = new Client(gateway);
  assert.deepEqual(await within(third.closed, 'the close'), { code: 1008, reason: 'Server at capacity' });

  await inside[0].close();
  await until(async () => (await gateway.stats()).active_connections === 1, 'the place is free');
  assert.equal((await connect(gateway)).welcome.type, 'welcome');
});

test('a connection beyond the margin is refused with 503 and a time to come back', async (t) => {
  const gateway = await start(t, { set: { 'pool.max_connections': 2 } });
  await connect(gateway);
  await connect(gateway);
  // These do not answer the close, and so keep their places at the door.
  for (let n = 0; n < MARGIN; n += 1) await connectAndKeepQuiet(t, gateway);

  const beyond = new Client(gateway);
  const { status, headers, body } = await within(beyond.refused, 'the refusal');
  assert.equal(status, 503);
  assert.ok(Number(headers['retry-after']) >= 1, headers['retry-after']);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(JSON.parse(body).code, 'at_capacity');
  assert.equal((await gateway.stats()).refused.capacity, MARGIN + 1);
});

/** Upgrades over a bare socket, waits for the close frame, and leaves it unanswered. */
async function connectAndKeepQuiet(t, gateway) {
  const peer = new RawSocket(gateway);
  t.after(() => peer.destroy());
  assert.equal(await peer.upgrade(), 101);
  assert.deepEqual(await peer.close(), { code: 1008, reason: 'Server at capacity' });
}
