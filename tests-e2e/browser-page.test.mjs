// The demonstration page in headless Chromium: an answer streams into it, the limiter shows, it comes back.
// With TIDEGATE_SCREENSHOT=1 the picture in docs/ is renewed; otherwise it goes to the temporary folder.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { launch, open } from './lib/browser.mjs';
import { REPOSITORY, start } from './lib/gateway.mjs';
import { until } from './lib/within.mjs';

const ANSWER_MS = 40_000;
const COMPLETE = 'article.answer[data-state=complete]';
const PICTURE = 'page-light.png';
const picture = process.env.TIDEGATE_SCREENSHOT === '1' ? join(REPOSITORY, 'docs', PICTURE) : join(tmpdir(), `tidegate-${PICTURE}`);

const browser = await launch({ after });
const texts = join(REPOSITORY, 'corpora/texts');
const prepared = readdirSync(texts).map((name) => readFileSync(join(texts, name), 'utf8').trim());

/** The page, connected, with all messages that its sockets received. */
async function visit(t, options) {
  const gateway = await start(t);
  const received = [];
  const { page, complaints } = await open(t, browser, 'about:blank', { colorScheme: 'light', ...options });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => received.push(JSON.parse(payload)));
  });
  await page.goto(`${gateway.http}/`);
  await page.waitForSelector('#status[data-state=connected]');
  return { gateway, page, complaints, received };
}

async function ask(page, question) {
  await page.fill('#question', question);
  await page.click('#send');
}

test('an answer streams into the page to its end', { timeout: 60_000 }, async (t) => {
  const { page, complaints, received } = await visit(t);
  await ask(page, 'How do tides work?');
  const answer = page.locator('article.answer');
  await page.waitForSelector('article.answer[data-state=streaming]');
  await until(async () => (await answer.innerText()).length > 40, 'the first words are there');
  assert.equal(await answer.getAttribute('data-state'), 'streaming', 'words are shown before the end');
  const early = (await answer.innerText()).length;

  await page.waitForSelector(COMPLETE, { timeout: ANSWER_MS });
  await page.screenshot({ path: picture });
  const shown = await answer.innerText();
  assert.ok(shown.length > early);
  const said = received.filter(({ type }) => type === 'stream_chunk').map(({ data }) => data).join('');
  assert.ok(prepared.includes(said.trim()), `not one of the prepared texts: ${said.slice(0, 200)}`);
  const lastWord = said.match(/\p{L}{4,}/gu).at(-1);
  assert.ok(shown.includes(lastWord), `the page does not show the last word, ${lastWord}`);
  assert.equal(received.filter(({ type }) => type === 'stream_end').length, 1);
  assert.ok((await page.locator('#frames > *').count()) > 10);
  assert.deepEqual(complaints, []);
});

test('an answer can be stopped, and the next one asked for', { timeout: 60_000 }, async (t) => {
  const { page, complaints, received, gateway } = await visit(t);
  await ask(page, 'Explain WebSockets');
  await until(async () => (await page.locator('article.answer').innerText()).length > 40, 'the first words are there');
  await page.click('#stop');
  await page.waitForSelector('article.answer[data-state=cancelled]');
  assert.equal(received.find(({ type }) => type === 'stream_end').complete, false);
  await ask(page, 'Write a small Rust function');
  await page.waitForSelector('article.answer[data-state=streaming]');
  const answer = page.locator('article.answer').last();
  await until(async () => (await answer.innerText()).length > 40, 'the next words are there');
  const { streams } = await gateway.stats();
  assert.deepEqual([streams.cancelled, streams.active], [1, 1]);
  assert.deepEqual(complaints, []);
});

test('the flood shows the limiter', { timeout: 60_000 }, async (t) => {
  const { page, complaints, received } = await visit(t);
  await page.click('#flood');
  await until(() => received.some(({ type }) => type === 'rate_limit_error'), 'a request is refused');
  await page.locator('#frames', { hasText: 'rate_limit_error' }).waitFor();
  const refused = received.find(({ type }) => type === 'rate_limit_error');
  assert.ok(refused.retry_after >= 1);
  assert.equal(received.filter(({ type }) => type === 'message').length, 35);
  assert.equal(await page.getAttribute('#status', 'data-state'), 'connected');
  assert.deepEqual(complaints, []);
});

test('a dropped connection shows the reconnect, and the new one works', { timeout: 60_000 }, async (t) => {
  const { page, complaints, received } = await visit(t);
  await page.evaluate(() => {
    const status = document.querySelector('#status');
    globalThis.states = [];
    new MutationObserver(() => states.push(status.dataset.state)).observe(status, { attributeFilter: ['data-state'] });
  });
  await page.click('#drop');
  await until(async () => (await page.evaluate(() => states.at(-1))) === 'connected', 'the page is back');
  assert.ok((await page.evaluate(() => states)).includes('reconnecting'));
  const sessions = received.filter(({ type }) => type === 'welcome').map(({ session }) => session);
  assert.equal(new Set(sessions).size, 2);
  await ask(page, 'Plan a weekend trip');
  await page.waitForSelector('article.answer[data-state=streaming]');
  await until(() => received.some(({ type }) => type === 'stream_chunk'), 'words arrive');
  assert.deepEqual(complaints, []);
});

test('a gateway that stops and comes back is found again', { timeout: 60_000 }, async (t) => {
  const { page, gateway } = await visit(t);
  const listen = `${gateway.host}:${gateway.port}`;
  gateway.process.kill('SIGINT');
  await page.waitForSelector('#status[data-state=reconnecting]');
  await until(() => !gateway.isAlive, 'it ends');
  await start(t, { listen });
  await page.waitForSelector('#status[data-state=connected]', { timeout: 30_000 });
});

for (const [what, options] of Object.entries({
  'a phone': { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  'a phone in the dark': { viewport: { width: 390, height: 844 }, isMobile: true, colorScheme: 'dark' },
  'a small laptop in the dark': { viewport: { width: 1024, height: 700 }, colorScheme: 'dark' },
})) {
  test(`the page fits ${what}`, { timeout: 60_000 }, async (t) => {
    const { page, complaints } = await visit(t, options);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= options.viewport.width, `${width} pixels wide`);
    for (const hook of ['#question', '#send']) assert.ok(await page.isVisible(hook), hook);
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = paper.match(/\d+/g).map(Number);
    assert.equal(red < 128, options.colorScheme === 'dark', paper);
    assert.deepEqual(complaints, []);
  });
}
