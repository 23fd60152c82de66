// Who may come in, with Node's `ws`: tokens in the request and in a first message, API keys, origins.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, connect } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { SECRET, token } from './lib/token.mjs';
import { until, within } from './lib/within.mjs';

const gateway = await start({ after }, {
  set: { 'auth.jwt_secret': SECRET, 'auth.anonymous': false, 'auth.auth_timeout': '300ms' },
});

const expired = token('ada', { exp: 1_700_000_000 });
const bad = {
  'signed with another key': token('ada', {}, 'a different secret of thirty-two bytes, or more'),
  expired,
  'without a subject': token(undefined),
  'without an end': token('ada', { exp: undefined }),
  'unsigned': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${expired.split('.')[1]}.`,
  'no token at all': 'nonsense',
};

for (const [how, given] of Object.entries(bad)) {
  test(`a token that is ${how} is refused before the upgrade with 401`, async () => {
    for (const options of [
      { headers: { authorization: `Bearer ${given}` } },
      { query: { token: given } },
      { protocols: ['tidegate.v1.json', `tidegate.bearer.${given}`] },
    ]) {
      const { status, headers, body } = await within(new Client(gateway, options).refused, 'the refusal');
      assert.equal(status, 401);
      assert.equal(headers['www-authenticate'], 'Bearer');
      assert.equal(JSON.parse(body).code, 'invalid_token');
    }
  });

  test(`a token that is ${how} closes with 4001 in a first message`, async () => {
    const client = new Client(gateway);
    client.socket.once('open', () => client.send({ type: 'auth', token: given }));
    assert.equal((await within(client.closed, 'the close')).code, 4001);
  });
}

test('a good token in a first message is welcomed', async () => {
  const client = new Client(gateway);
  client.socket.once('open', () => client.send({ type: 'auth', token: token('ada'), id: 'a' }));
  const welcome = await client.take('welcome');
  assert.equal(welcome.user, 'ada');
  assert.equal(welcome.id, 'a');
  await client.close();
});

test('who says something else first, or nothing in time, is closed with 4001', async () => {
  const other = new Client(gateway);
  other.socket.once('open', () => other.send({ type: 'message', content: 'hello' }));
  const silent = new Client(gateway);
  for (const client of [other, silent]) {
    assert.equal((await within(client.closed, 'the close')).code, 4001);
    assert.deepEqual(client.untaken, []);
  }
});

test('a new token of the same user is welcomed, one of another user is not', async () => {
  const client = await connect(gateway, { query: { token: token('ada') } });
  assert.equal((await client.ask({ type: 'auth', token: token('ada') })).type, 'welcome');
  const answer = await client.ask({ type: 'auth', token: token('bob') });
  assert.equal(answer.type, 'error');
  assert.equal(answer.code, 'forbidden');
  await client.close();
});

test('a page of a foreign origin is refused with 403, one from loopback is not', async () => {
  const query = { token: token('ada') };
  const foreign = new Client(gateway, { query, headers: { origin: 'https://evil.example.com' } });
  const { status, body } = await within(foreign.refused, 'the refusal');
  assert.equal(status, 403);
  assert.equal(JSON.parse(body).code, 'origin_not_allowed');
  await until(() => gateway.log.includes('listen.allowed_origins'), 'the log names the key to set');
  const near = await connect(gateway, { query, headers: { origin: 'http://localhost:3000' } });
  await near.close();
});

test('publishing needs the API key', async () => {
  const body = JSON.stringify({ to: 'all', content: 1 });
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${token('ada')}` }]) {
    const answer = await fetch(`${gateway.http}/api/v1/publish`, { method: 'POST', headers, body });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.equal((await answer.json()).code, 'unauthorized');
  }
  assert.equal((await gateway.post('/api/v1/publish', { to: 'all', content: 1 })).status, 202);
});
