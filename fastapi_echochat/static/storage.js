// What the browser keeps for the page. In a sandboxed frame, which is refused all storage by an
// exception, that is nothing.

// The key of one chat: its page's address, without a query, in which a host may have secrets. The
// number changes with the shape of what is kept.
export const keyFor = (name, page) => `echochat 2 ${name} ${page.pathname.replace(/\/+$/, "")}`;

export function recall(storage, key) {
  try {
    return JSON.parse(globalThis[storage].getItem(key));
  } catch {
    return null;
  }
}

let complain;

// Told when something could not be kept: storage is refused, or full.
export const onRefusal = (listener) => { complain = listener; };

// Keeps, of objects, only the `fields` given, if any.
export function remember(storage, key, value, fields) {
  try {
    globalThis[storage].setItem(key, JSON.stringify(value, fields));
  } catch {
    complain?.();
  }
}
