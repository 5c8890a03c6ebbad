// What the browser keeps for the page. In a sandboxed frame, which is refused all storage by an
// exception, that is nothing.

function recall(storage, key) {
  try {
    return JSON.parse(self[storage].getItem(key));
  } catch {
    return null;
  }
}

function remember(storage, key, value) {
  try {
    self[storage].setItem(key, JSON.stringify(value));
  } catch { /* Refused, or full. */ }
}
