// A browser's storage, as far as the page uses it.

export class MemoryStorage {
  items = new Map();
  getItem(key) { return this.items.get(key) ?? null; }
  setItem(key, value) { this.items.set(key, String(value)); }
}

// As in a sandboxed frame.
export class RefusedStorage {
  getItem() { throw new Error("The operation is insecure."); }
  setItem() { throw new Error("The operation is insecure."); }
}

export function putStorage(storage) {
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(globalThis, name, { value: storage, configurable: true });
  }
}
