// The page's own decoder of small payloads, against the published vectors. No gateway: the file is loaded as it is served.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { REPOSITORY } from './lib/gateway.mjs';

const read = (...path) => readFileSync(join(REPOSITORY, 'crates', ...path), 'utf8');
const script = read('gateway', 'assets', 'codec.js');
const { decode } = await import(`data:text/javascript,${encodeURIComponent(script)}`);

/** Plain values, so that objects without a prototype equal those with one; `__proto__` stays a key like any other. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return { keys: Object.keys(value).sort().map((key) => [key, plain(value[key])]) };
}

const decoded = async (data) => plain((await decode(data)).messages[0]);

for (const { json, optimized } of JSON.parse(read('payload-codec', 'vectors', 'optimize.json'))) {
  test(`the page reads ${optimized.slice(0, 60)} as it was meant`, async () => {
    const meant = plain(JSON.parse(json));
    assert.deepEqual(await decoded(optimized), meant);
    const gzip = gzipSync(optimized);
    const tagged = new Uint8Array([1, ...gzip]);
    assert.deepEqual(await decoded(tagged.buffer), meant);
  });
}

test('the page refuses a timestamp that none of its forms can have', async () => {
  for (const value of ['"x"', '[]', '[1,2,3]', '[1,1000000]', '1.5', 'null']) {
    await assert.rejects(decode(`{"_v":2,"ts":${value}}`), value);
  }
});
