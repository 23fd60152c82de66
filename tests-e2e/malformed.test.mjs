// Input that no good client sends, from bare sockets: each has its stated answer, and the gateway lives.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { connect } from './lib/client.mjs';
import { start } from './lib/gateway.mjs';
import { BINARY, CLOSE, RawSocket, frame } from './lib/raw-socket.mjs';

const gateway = await start({ after }, { set: { 'rate_limit.enabled': false, 'session.max_malformed': 1000 } });

afterEach(async () => {
  assert.ok(gateway.isAlive, gateway.log);
  const client = await connect(gateway);
  assert.equal((await client.ask({ type: 'message', content: 'still here' })).content, 'still here');
  await client.close();
});

/** A bare socket that has its welcome. */
async function raw(t) {
  const socket = new RawSocket(gateway);
  t.after(() => socket.destroy());
  assert.equal(await socket.upgrade(), 101);
  assert.equal((await socket.message()).type, 'welcome');
  return socket;
}

const deep = (levels, open, close) => open.repeat(levels) + close.repeat(levels);

const answered = {
  'broken JSON': ['{"type":"message","content":tru}', 'malformed', 31],
  'half a message': ['{"type":"message"', 'malformed', undefined],
  'bytes behind the message': ['{"type":"ping"} {}', 'malformed', 16],
  'nothing at all': ['', 'malformed', 0],
  'an array': ['[1,2]', 'malformed', undefined],
  'a number': ['42', 'malformed', undefined],
  'null': ['null', 'malformed', undefined],
  'NaN': ['{"type":"message","content":NaN}', 'malformed', 28],
  'a field given twice': ['{"type":"ping","type":"ping"}', 'malformed', undefined],
  'arrays 1 000 deep': [`{"type":"message","content":${deep(1000, '[', ']')}}`, 'malformed', undefined],
  'objects 1 000 deep': [`{"type":"message","content":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`, 'malformed', undefined],
  'arrays that never end': [`{"type":"message","content":${'['.repeat(100_000)}`, 'malformed', undefined],
  'no type': ['{"content":1}', 'invalid_field', undefined],
  'a type that is a number': ['{"type":1}', 'invalid_field', undefined],
  'a type that is null': ['{"type":null}', 'invalid_field', undefined],
  'a group that is a number': ['{"type":"join","group":7}', 'invalid_field', undefined],
  'a group without a name': ['{"type":"join","group":""}', 'invalid_field', undefined],
  'a group of a kilobyte': [`{"type":"join","group":"${'g'.repeat(1024)}"}`, 'invalid_field', undefined],
  'a target that is a string': ['{"type":"send","to":"bob","content":1}', 'invalid_field', undefined],
  'a target of two kinds': ['{"type":"send","to":{"user":"a","group":"b"},"content":1}', 'invalid_field', undefined],
  'a class that does not exist': ['{"type":"send","to":{"user":"a"},"content":1,"class":"royal"}', 'invalid_field', undefined],
  'an id that is an object': ['{"type":"ping","id":{}}', 'invalid_field', undefined],
  'a weight of nothing': ['{"type":"join","group":"g","weight":0}', 'invalid_field', undefined],
  'a weight below nothing': ['{"type":"join","group":"g","weight":-1e308}', 'invalid_field', undefined],
  'an unknown type': ['{"type":"abracadabra"}', 'unknown_type', undefined],
};

for (const [what, [payload, code, offset]] of Object.entries(answered)) {
  test(`${what} is answered by ${code}, and the connection lives on`, async (t) => {
    const socket = await raw(t);
    socket.send(payload);
    const answer = await socket.message();
    assert.equal(answer.type, 'error');
    assert.equal(answer.code, code, answer.message);
    assert.equal(typeof answer.message, 'string');
    if (offset !== undefined) assert.equal(answer.offset, offset, answer.message);
    socket.send('{"type":"ping","id":"after"}');
    assert.deepEqual(await socket.message(), { type: 'pong', id: 'after' });
  });
}

test('an error carries the id of its message wherever that can be read', async (t) => {
  const socket = await raw(t);
  socket.send('{"type":"abracadabra","id":"x1"}');
  assert.equal((await socket.message()).id, 'x1');
  socket.send('{"type":"join","group":7,"id":2}');
  assert.equal((await socket.message()).id, 2);
});

test('128 levels are read, 129 are not', async (t) => {
  const socket = await raw(t);
  // The message itself is the first level.
  socket.send(`{"type":"message","content":${deep(127, '[', ']')}}`);
  assert.equal((await socket.message()).type, 'message');
  socket.send(`{"type":"message","content":${deep(128, '[', ']')}}`);
  assert.equal((await socket.message()).code, 'malformed');
});

test('broken MessagePack is answered by malformed', async (t) => {
  const socket = new RawSocket(gateway);
  t.after(() => socket.destroy());
  assert.equal(await socket.upgrade('/ws', { 'Sec-WebSocket-Protocol': 'tidegate.v1.msgpack' }), 101);
  assert.equal((await socket.frame()).opcode, BINARY);
  for (const bytes of [[0x81, 0xa4], [0xdf, 0xff, 0xff, 0xff, 0xff], [0xc1, 0x07, 0x00], Array(1000).fill(0x91)]) {
    socket.send(Buffer.from(bytes), { opcode: BINARY });
    const { opcode, payload } = await socket.frame();
    assert.equal(opcode, BINARY);
    assert.ok(payload.includes('malformed'), payload.toString('latin1'));
  }
});

for (const [what, bytes] of Object.entries({
  'an unknown tag': [7, 1, 2, 3],
  'broken gzip': [1, 0x1f, 0x8b, 8, 0, 0, 0],
})) {
  test(`${what} in a binary frame is answered by malformed`, async (t) => {
    const socket = await raw(t);
    socket.send(Buffer.from(bytes), { opcode: BINARY });
    const answer = await socket.message();
    assert.equal(answer.type, 'error');
    assert.equal(answer.code, 'malformed');
  });
}

test('too many malformed messages end the connection with 1008', async (t) => {
  const strict = await start(t, { set: { 'rate_limit.enabled': false } });
  const client = await connect(strict);
  for (let n = 0; n < 10; n += 1) client.socket.send('{');
  assert.equal((await client.closed).code, 1008);
  assert.ok(client.untaken.every(({ code }) => code === 'malformed'));
  assert.ok(strict.isAlive);
});

const MIB = 1024 * 1024;
const masked = (bytes, options) => frame(Buffer.from(bytes), options);

/** What violates RFC 6455, and the close code of that. */
const violations = {
  'a message of 2 MiB': [masked(Buffer.alloc(2 * MIB, 'a')), 1009],
  'a message of 2 MiB in pieces': [
    Buffer.concat([
      masked(Buffer.alloc(MIB, 'a'), { fin: false }),
      masked(Buffer.alloc(MIB, 'a'), { opcode: 0 }),
    ]),
    1009,
  ],
  'a message that claims all there is': [Buffer.from([0x81, 0xff, 0x7f, ...Array(7).fill(0xff), 1, 2, 3, 4]), 1009],
  'an unmasked frame': [masked('{"type":"ping"}', { masked: false }), 1002],
  'a reserved bit': [withFirstByte(masked('{}'), 0xc1), 1002],
  'an unknown opcode': [masked('{}', { opcode: 3 }), 1002],
  'a ping in pieces': [masked('x', { opcode: 9, fin: false }), 1002],
  'a ping of 126 bytes': [masked(Buffer.alloc(126), { opcode: 9 }), 1002],
  'a continuation of nothing': [masked('x', { opcode: 0 }), 1002],
  'a close code that must not be sent': [masked([0x03, 0xed], { opcode: CLOSE }), 1002],
  'a close of one byte': [masked([3], { opcode: CLOSE }), 1002],
  'invalid UTF-8': [masked([0xc3, 0x28]), 1007],
  'half a surrogate pair in UTF-8': [masked([0xed, 0xa0, 0x80]), 1007],
  'a character that ends with the message': [masked([0x22, 0xf0, 0x9f, 0x8c]), 1007],
};

for (const [what, [bytes, code]] of Object.entries(violations)) {
  test(`${what} closes with ${code}`, async (t) => {
    const socket = await raw(t);
    socket.socket.write(bytes);
    assert.equal((await socket.close()).code, code);
  });
}

test('a message of just under 1 MiB is taken', async (t) => {
  const socket = await raw(t);
  const content = 'x'.repeat(MIB - 100);
  socket.send(JSON.stringify({ type: 'message', content }));
  assert.equal((await socket.message()).content.length, content.length);
});

test('a gzip bomb of 64 MiB closes with 1009', async (t) => {
  const socket = await raw(t);
  socket.send(Buffer.concat([Buffer.from([1]), gzipSync(Buffer.alloc(64 * MIB, ' '))]), { opcode: BINARY });
  assert.equal((await socket.close()).code, 1009);
});

test('lz4 that claims four gigabytes closes with 1009', async (t) => {
  const socket = await raw(t);
  socket.send(Buffer.from([2, 0xff, 0xff, 0xff, 0xff, 0x10, 0x41]), { opcode: BINARY });
  assert.equal((await socket.close()).code, 1009);
});

test('a request that is no WebSocket handshake is told what is wrong', async () => {
  const plain = await fetch(`${gateway.http}/ws`);
  assert.equal(plain.status, 426);
  assert.equal((await plain.json()).code, 'bad_handshake');
  const old = new RawSocket(gateway);
  assert.equal(await old.upgrade('/ws', { 'Sec-WebSocket-Version': '8' }), 426);
  old.destroy();
});

for (const [what, bytes, status] of [
  ['noise', 'hello there\r\n\r\n', 400],
  ['a head of 64 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`, 431],
]) {
  test(`${what} instead of HTTP is answered by ${status}`, async (t) => {
    const socket = new RawSocket(gateway);
    t.after(() => socket.destroy());
    socket.socket.write(bytes);
    assert.equal(await socket.status(), status);
  });
}

test('clients that vanish in the middle of anything leave nothing behind', async () => {
  const halves = [masked('{"type":"ping"}').subarray(0, 7), masked('{}').subarray(0, 1), Buffer.alloc(0)];
  for (const half of halves) {
    const socket = new RawSocket(gateway);
    await socket.upgrade();
    socket.socket.write(half);
    socket.socket.resetAndDestroy();
  }
});

function withFirstByte(bytes, first) {
  bytes[0] = first;
  return bytes;
}
