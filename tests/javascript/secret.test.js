import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";
import { newSecret, ownSecret } from "../../fastapi_echochat/static/secret.js";
import { MemoryStorage, RefusedStorage, putStorage } from "./storage.js";

// A browser has it; node does from its version 19 on.
globalThis.crypto ??= webcrypto;

test("a secret is 32 characters that need no escape in an address", () => {
  putStorage(new MemoryStorage());

  for (let number = 0; number < 200; number += 1) assert.match(newSecret("key"), /^[\w-]{32}$/);
});

test("no two secrets are alike", () => {
  putStorage(new MemoryStorage());

  assert.equal(new Set(Array.from({ length: 200 }, () => newSecret("key"))).size, 200);
});

test("a browser keeps its secret, one for each chat", () => {
  putStorage(new MemoryStorage());
  const secret = ownSecret("one");

  assert.equal(ownSecret("one"), secret);
  assert.notEqual(ownSecret("two"), secret);
  assert.equal(ownSecret("one"), secret);
});

test("what is kept and no secret, such as that of an older page, is replaced", () => {
  for (const wrong of ["", "short", "x".repeat(65), `${"x".repeat(31)} `, 7, {}, [], true]) {
    putStorage(new MemoryStorage());
    globalThis.localStorage.setItem("key", JSON.stringify(wrong));
    const secret = ownSecret("key");

    assert.match(secret, /^[\w-]{32}$/);
    assert.equal(ownSecret("key"), secret);
  }
});

test("a browser that refuses storage has a secret for as long as the page is open", () => {
  putStorage(new RefusedStorage());

  assert.match(ownSecret("key"), /^[\w-]{32}$/);
});
