// What the browser keeps for the page. In a sandboxed frame, which is refused all storage by an
// exception, that is nothing.

export function recall(storage, key) {
  try {
    return JSON.parse(globalThis[storage].getItem(key));
  } catch {
    return null;
  }
}

// Keeps, of objects, only the `fields` given, if any.
export function remember(storage, key, value, fields) {
  try {
    globalThis[storage].setItem(key, JSON.stringify(value, fields));
  } catch { /* Refused, or full. */ }
}
