// Headless Chromium by playwright-core, and in its pages the browser's own WebSocket.
// Knows how to open a page and what went wrong in it; `Peer` (`page-peer.mjs`) runs inside the page.

import { chromium } from 'playwright-core';
import { definePeer } from './page-peer.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A browser that is gone when `context` ends. */
export async function launch(context) {
  // Chromium's sandbox does not work for root, as whom containers run.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args, timeout: 30_000 });
  context.after(() => browser.close());
  return browser;
}

/** A page of its own profile at `address`, and all that its console complains of. */
export async function open(context, browser, address, options = {}) {
  const profile = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.after(() => profile.close());
  const page = await profile.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.addInitScript(definePeer);
  await page.goto(address);
  return { page, complaints };
}
