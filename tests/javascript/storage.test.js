import assert from "node:assert/strict";
import { test } from "node:test";
import { recall, remember } from "../../fastapi_echochat/static/storage.js";
import { MemoryStorage, RefusedStorage, putStorage } from "./storage.js";

test("what is remembered is recalled", () => {
  putStorage(new MemoryStorage());
  remember("sessionStorage", "key", { text: "words" });

  assert.deepEqual(recall("sessionStorage", "key"), { text: "words" });
  assert.equal(recall("sessionStorage", "other"), null);
});

test("of objects only the fields that were named are kept", () => {
  putStorage(new MemoryStorage());
  remember("sessionStorage", "key", [{ id: "1", text: "words", item: {} }], ["id", "text"]);

  assert.deepEqual(recall("sessionStorage", "key"), [{ id: "1", text: "words" }]);
});

test("a browser that refuses storage remembers nothing, and does without", () => {
  putStorage(new RefusedStorage());
  remember("sessionStorage", "key", 1);

  assert.equal(recall("sessionStorage", "key"), null);
});

test("what somebody else wrote under the same key is nothing", () => {
  putStorage(new MemoryStorage());
  globalThis.sessionStorage.setItem("key", "{not JSON");

  assert.equal(recall("sessionStorage", "key"), null);
});
