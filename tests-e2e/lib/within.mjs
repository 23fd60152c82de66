// A bound on every wait: what does not happen in time fails, and says what was waited for.
// Knows nothing of the gateway.

export const PATIENCE_MS = 10_000;

/** What `promise` gives, if it does so within `milliseconds`. */
export function within(promise, what, milliseconds = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error(`waited ${milliseconds} ms in vain for ${what}`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until `happened()` is true, asking again every 10 ms. */
export async function until(happened, what, milliseconds = PATIENCE_MS) {
  const end = performance.now() + milliseconds;
  while (!(await happened())) {
    if (performance.now() > end) throw new Error(`waited ${milliseconds} ms in vain until ${what}`);
    await pause(10);
  }
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
