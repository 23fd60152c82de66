// Messages between clients, with Node's `ws`: welcome, echo, broadcast, groups, directed sends, publishing.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect, connectAll } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { SECRET, token, tokenOfOneWhoMayAll } from './lib/token.mjs';

const gateway = await start({ after }, { set: { 'auth.jwt_secret': SECRET, 'dev.demo': false } });

function bearer(user) {
  return { headers: { authorization: `Bearer ${tokenOfOneWhoMayAll(user)}` } };
}

test('a client without a token is welcomed as a user of its own', async () => {
  const client = await connect(gateway);
  const { welcome } = client;
  assert.equal(welcome.protocol, 'tidegate.v1');
  assert.match(welcome.session, /^[\w-]{16}$/);
  assert.equal(welcome.user, `anon:${welcome.session}`);
  assert.deepEqual(welcome.heartbeat, { interval_ms: 30_000, timeout_ms: 10_000 });
  assert.deepEqual(welcome.agreed, []);
  await client.close();
});

test('a token names the user in a header, in the address and as a sub-protocol', async () => {
  const given = token('ada');
  const [header, address, protocol] = await connectAll(
    gateway,
    { headers: { authorization: `Bearer ${given}` } },
    { query: { token: given } },
    { protocols: ['tidegate.v1.json', `tidegate.bearer.${given}`] },
  );
  for (const client of [header, address, protocol]) {
    assert.equal(client.welcome.user, 'ada');
    await client.close();
  }
  assert.equal(protocol.socket.protocol, 'tidegate.v1.json');
});

test('an echo comes back with its content and its id', async () => {
  const client = await connect(gateway);
  const content = { text: 'Wattenmeer, 潮, 🌊', deep: [[{ a: 1.5 }], null, true], empty: {} };
  assert.deepEqual(await client.ask({ type: 'message', content }), { type: 'message', content, id: 1 });
  await client.close();
});

test('numbers come back as they were written', async () => {
  const client = await connect(gateway);
  const raw = new Promise((resolve) => client.socket.once('message', (data) => resolve(data.toString())));
  client.socket.send('{"type":"message","content":[1.0,1e2,12345678901234567890,-0]}');
  assert.ok((await raw).includes('"content":[1.0,1e2,12345678901234567890,-0]'), await raw);
  await client.close();
});

test('a broadcast reaches everyone but its sender', async () => {
  const [sender, receiver] = await connectAll(gateway, bearer('ada'), bearer('bob'));
  const reply = await sender.ask({ type: 'broadcast', content: 'high tide' });
  assert.equal(reply.type, 'reply');
  assert.equal(reply.delivered, 1);
  const heard = await receiver.take('broadcast');
  assert.equal(heard.content, 'high tide');
  assert.equal(heard.message_id, reply.message_id);
  await sender.ask({ type: 'message', content: 'after it' });
  assert.deepEqual(sender.untaken, []);
  await Promise.all([sender.close(), receiver.close()]);
});

test('a group hears what is sent to it, knows who is there, and forgets who left', async () => {
  const [ada, bob, outsider] = await connectAll(gateway, bearer('ada'), bearer('bob'), bearer('eve'));
  for (const member of [ada, bob]) {
    const joined = await member.ask({ type: 'join', group: 'harbour' });
    assert.equal(joined.type, 'reply');
    assert.equal(joined.group, 'harbour');
  }
  const { members } = await ada.ask({ type: 'presence', group: 'harbour' });
  const expected = [ada, bob].map(({ welcome: { user, session } }) => ({ user, session }));
  assert.deepEqual(new Set(members.map(JSON.stringify)), new Set(expected.map(JSON.stringify)));

  const sent = await ada.ask({ type: 'send', to: { group: 'harbour' }, content: 'ships', exclude: [{ user: 'ada' }] });
  assert.equal(sent.delivered, 1);
  const heard = await bob.take('message');
  assert.equal(heard.content, 'ships');
  assert.equal(heard.message_id, sent.message_id);

  assert.equal((await bob.ask({ type: 'leave', group: 'harbour' })).group, 'harbour');
  assert.equal((await ada.ask({ type: 'presence', group: 'harbour' })).members.length, 1);
  const missed = await ada.ask({ type: 'send', to: { group: 'harbour' }, content: 'gone', exclude: [{ user: 'ada' }] });
  assert.equal(missed.delivered, 0);
  await Promise.all([ada, bob].map((member) => member.ask({ type: 'message', content: 'last' })));
  assert.deepEqual([...bob.untaken, ...outsider.untaken], []);
  await Promise.all([ada.close(), bob.close(), outsider.close()]);
});

test('a message to a user reaches each of its sessions and nobody else', async () => {
  const [sender, first, second, other] = await connectAll(
    gateway,
    bearer('ada'),
    bearer('bob'),
    bearer('bob'),
    bearer('eve'),
  );
  const sent = await sender.ask({ type: 'send', to: { user: 'bob' }, content: { n: 1 } });
  assert.equal(sent.delivered, 2);
  for (const session of [first, second]) {
    const heard = await session.take('message');
    assert.deepEqual(heard.content, { n: 1 });
    assert.equal(heard.message_id, sent.message_id);
    assert.equal(heard.from, 'ada');
  }
  await other.ask({ type: 'message', content: 'meanwhile' });
  assert.deepEqual(other.untaken, []);
  await Promise.all([sender, first, second, other].map((client) => client.close()));
});

test('a message to a session reaches that session alone', async () => {
  const [sender, first, second] = await connectAll(gateway, bearer('ada'), bearer('bob'), bearer('bob'));
  const sent = await sender.ask({ type: 'send', to: { session: second.welcome.session }, content: 'you' });
  assert.equal(sent.delivered, 1);
  assert.equal((await second.take('message')).content, 'you');
  await first.ask({ type: 'message', content: 'meanwhile' });
  assert.deepEqual(first.untaken, []);
  await Promise.all([sender, first, second].map((client) => client.close()));
});

test('a send to nobody says that nobody was there', async () => {
  const client = await connect(gateway, bearer('ada'));
  assert.equal((await client.ask({ type: 'send', to: { user: 'nobody' }, content: 1 })).delivered, 0);
  await client.close();
});

test('without the right to it a command is forbidden, and the message names the right', async () => {
  const client = await connect(gateway, { query: { token: token('ada', { tidegate: { join: ['room-*'] } }) } });
  for (const [command, right] of [
    [{ type: 'broadcast', content: 1 }, 'broadcast'],
    [{ type: 'send', to: { user: 'bob' }, content: 1 }, 'send'],
    [{ type: 'join', group: 'harbour' }, 'join'],
  ]) {
    const answer = await client.ask(command);
    assert.equal(answer.type, 'error');
    assert.equal(answer.code, 'forbidden');
    assert.ok(answer.message.includes(right), answer.message);
  }
  assert.equal((await client.ask({ type: 'join', group: 'room-1' })).type, 'reply');
  await client.close();
});

test('what the backend publishes reaches a user, a group, a session and everyone', async () => {
  const [ada, bob] = await connectAll(gateway, bearer('ada'), bearer('bob'));
  await bob.ask({ type: 'join', group: 'harbour' });
  for (const to of [{ user: 'bob' }, { group: 'harbour' }, { session: bob.welcome.session }, 'all']) {
    const answer = await gateway.post('/api/v1/publish', { to, type: 'tide_table', content: { to } });
    assert.equal(answer.status, 202);
    const { message_id } = await answer.json();
    assert.deepEqual(await bob.take('tide_table'), { type: 'tide_table', content: { to }, message_id });
  }
  assert.deepEqual((await ada.take('tide_table')).content, { to: 'all' });
  assert.equal((await gateway.post('/api/v1/publish', 'plain words')).status, 202);
  assert.equal((await ada.take('text_message')).payload, 'plain words');
  await Promise.all([ada.close(), bob.close()]);
});

test('a ping is answered by a pong with its id, and a WebSocket ping by its own', async () => {
  const client = await connect(gateway);
  assert.deepEqual(await client.ask({ type: 'ping' }), { type: 'pong', id: 1 });
  const pong = new Promise((resolve) => client.socket.once('pong', (data) => resolve(data.toString())));
  client.socket.ping('tide');
  assert.equal(await pong, 'tide');
  await client.close();
});

test('what is not done yet is refused as unsupported', async () => {
  const client = await connect(gateway, bearer('ada'));
  for (const type of ['resume', 'attach', 'detach', 'ack']) {
    assert.equal((await client.ask({ type })).code, 'unsupported', type);
  }
  for (const field of ['confirm', 'deliver_at', 'delay_ms', 'key', 'merge_key', 'since']) {
    const answer = await client.ask({ type: 'send', to: { user: 'bob' }, content: 1, [field]: 1 });
    assert.equal(answer.code, 'unsupported', field);
  }
  await client.close();
});
