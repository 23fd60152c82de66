// Firefox's own WebSocket, from a page that the gateway serves: permessage-deflate as it offers it, and messages of a
// mebibyte.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { launch } from './lib/firefox.mjs';
import { start } from './lib/gateway.mjs';

const roomy = { 'dev.echo': true, 'codec.max_message_bytes': '2MiB', 'queue.max_queue_bytes': '4MiB' };
const firefox = await launch({ after });

const kinds = [
  { name: 'without takeover', set: {}, agreed: 'permessage-deflate' },
  { name: 'with takeover', set: { 'codec.deflate_takeover': 16 }, agreed: 'permessage-deflate' },
  { name: 'where the gateway has it off', set: { 'codec.deflate': false }, agreed: '' },
];

for (const { name, set, agreed } of kinds) {
  test(`a mebibyte of text goes there and back in a session, ${name}`, async (t) => {
    const { http } = await start(t, { set: { ...roomy, ...set } });
    const page = await firefox.open(`${http}/livez`);
    const seen = await page.evaluate(async () => {
      const peer = await Peer.connect();
      const content = 'tide in, tide out: Ebbe, Fluß, 潮汐, 🌊. '.repeat(24_000);
      const bytes = new TextEncoder().encode(content).length;
      const answers = [];
      for (let round = 0; round < 3; round += 1) answers.push(await peer.ask({ type: 'message', content }));
      const same = answers.map((answer) => answer.content === content);
      return { bytes, same, extensions: peer.socket.extensions };
    });
    assert.ok(seen.bytes >= 1024 * 1024, `${seen.bytes}`);
    assert.equal(seen.extensions, agreed, 'Firefox tells no parameters');
    assert.deepEqual(seen.same, [true, true, true]);
  });

  test(`a mebibyte of bytes goes there and back, ${name}`, async (t) => {
    const { http } = await start(t, { set: { ...roomy, ...set } });
    const page = await firefox.open(`${http}/livez`);
    const same = await page.evaluate(async (patience) => {
      const socket = new WebSocket(new URL('/echo', location.href.replace(/^http/, 'ws')));
      socket.binaryType = 'arraybuffer';
      const happened = (name) =>
        new Promise((resolve, reject) => {
          socket.addEventListener(name, resolve, { once: true });
          setTimeout(() => reject(new Error(`waited in vain for ${name}`)), patience);
        });
      await happened('open');
      const sent = Uint8Array.from({ length: 1024 * 1024 }, (_, n) => Math.imul(n, 2_654_435_761) >>> 13);
      const same = [];
      for (let round = 0; round < 2; round += 1) {
        socket.send(sent);
        const came = new Uint8Array((await happened('message')).data);
        same.push(came.length === sent.length && came.every((byte, n) => byte === sent[n]));
      }
      return same;
    }, 20_000);
    assert.deepEqual(same, [true, true]);
  });
}
