// Small words for the page: finding, making and scrolling elements, and saying amounts.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** An element with its class and children. */
export function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Changes a scrolling list, and stays at its end only where the reader already was there. */
export function following(list, change) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  change();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

/** The same action, at most once per painted picture. */
export function eachPicture(action) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      action();
    });
  };
}

/** A duration, from milliseconds. */
export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${Number((ms / 1000).toFixed(1))}\u00a0s`);

/** An amount of bytes. */
export const size = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`);

/** A JSON value as text for a reader. */
export const show = (value) => (typeof value === "string" ? value : JSON.stringify(value));
