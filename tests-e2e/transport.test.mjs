// Messages of a mebibyte with Node's `ws`, through the raw echo and through sessions: text and binary, whole and in
// fragments, without permessage-deflate and with every kind of it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { connect } from './lib/client.mjs';
import { messagePackFrame } from './lib/decode.mjs';
import { connectEcho } from './lib/echo.mjs';
import { start } from './lib/gateway.mjs';

const MEBIBYTE = 1024 * 1024;
/** Characters of one to four bytes, so that no cut is safe. */
const TEXT = padded(Buffer.from('tide in, tide out: Ebbe, Fluß, 潮汐, 🌊. '.repeat(30_000)), MEBIBYTE);
const NOISE = noise(MEBIBYTE);

const roomy = { 'dev.echo': true, 'codec.max_message_bytes': '2MiB', 'queue.max_queue_bytes': '4MiB' };
const gateways = {
  off: await start({ after }, { set: { ...roomy, 'codec.deflate': false } }),
  stateless: await start({ after }, { set: roomy }),
  takeover: await start({ after }, { set: { ...roomy, 'codec.deflate_takeover': 64 } }),
};

/** Each: the gateway, what the client offers, what is agreed, and who keeps a context. */
const kinds = [
  { name: 'the gateway has it off', gateway: 'off', offer: true, agreed: '' },
  { name: 'the client does not offer it', gateway: 'takeover', offer: false, agreed: '' },
  {
    name: 'without takeover',
    gateway: 'stateless',
    offer: true,
    agreed: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  },
  { name: 'with takeover', gateway: 'takeover', offer: true, agreed: 'permessage-deflate', keeps: true },
  {
    name: 'with takeover of the client alone',
    gateway: 'takeover',
    offer: { serverNoContextTakeover: true },
    agreed: 'permessage-deflate; server_no_context_takeover',
  },
  {
    name: 'with takeover of the gateway alone',
    gateway: 'takeover',
    offer: { clientNoContextTakeover: true },
    agreed: 'permessage-deflate; client_no_context_takeover',
    keeps: true,
  },
  {
    name: 'in small windows',
    gateway: 'takeover',
    offer: { serverMaxWindowBits: 10, clientMaxWindowBits: 9 },
    agreed: 'permessage-deflate; server_max_window_bits=10; client_max_window_bits=9',
    keeps: false,
  },
];

for (const { name, gateway, offer, agreed, keeps } of kinds) {
  test(`a mebibyte comes back as it went, ${name}`, async () => {
    const echo = await connectEcho(gateways[gateway], offer === false ? false : deflate(offer));
    assert.equal(sorted(echo.extensions), sorted(agreed));
    for (const frames of [1, 7, 300]) {
      const bytes = await echo.received(async () => {
        const { data, isBinary } = await echo.exchange(TEXT, { frames });
        assert.ok(!isBinary && data.equals(TEXT), `text in ${frames} frames`);
      });
      if (agreed !== '') assert.ok(bytes < MEBIBYTE / 20, `${bytes} bytes for a mebibyte of text`);
      const { data, isBinary } = await echo.exchange(NOISE, { binary: true, frames });
      assert.ok(isBinary && data.equals(NOISE), `binary in ${frames} frames`);
    }
    await echo.close();
  });

  test(`a context is kept as agreed, ${name}`, async () => {
    const echo = await connectEcho(gateways[gateway], offer === false ? false : deflate(offer));
    const sizes = [];
    for (let round = 0; round < 2; round += 1) {
      const message = NOISE.subarray(0, 8000);
      sizes.push(await echo.received(() => echo.exchange(message, { binary: true })));
    }
    if (keeps) assert.ok(sizes[1] < sizes[0] / 10, `the second refers to the first: ${sizes}`);
    else assert.ok(sizes[1] > sizes[0] / 2, `nothing is referred to: ${sizes}`);
    await echo.close();
  });

  test(`a session carries a mebibyte of JSON and of MessagePack, ${name}`, async () => {
    const perMessageDeflate = offer === false ? false : deflate(offer);
    const content = TEXT.toString();
    const json = await connect(gateways[gateway], { perMessageDeflate });
    const protocols = ['tidegate.v1.msgpack'];
    const packed = await connect(gateways[gateway], { perMessageDeflate, protocols, encode, decode: messagePackFrame });
    for (const client of [json, packed]) {
      for (let round = 0; round < 2; round += 1) {
        const answer = await client.ask({ type: 'message', content });
        assert.equal(answer.content, content);
      }
      await client.close();
    }
  });
}

/** Compressed from the first byte on. */
function deflate(offer) {
  return { threshold: 0, ...(offer === true ? {} : offer) };
}

/** An extension with its parameters in one order. */
function sorted(extension) {
  return extension.split(';').map((part) => part.trim()).sort().join('; ');
}

/** The longest beginning that is whole characters, filled up with dots to `length` bytes. */
function padded(bytes, length) {
  let end = length;
  while ((bytes[end] & 0xc0) === 0x80) end -= 1;
  return Buffer.concat([bytes.subarray(0, end), Buffer.alloc(length - end, '.')]);
}

/** Bytes without a pattern. */
function noise(length) {
  let state = 1;
  return Buffer.from(Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24));
}
