import assert from "node:assert/strict";
import { test } from "node:test";
import { keyFor, onRefusal, recall, remember } from "../../fastapi_echochat/static/storage.js";
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

test("a browser that refuses storage remembers nothing, does without, and that is told", () => {
  putStorage(new RefusedStorage());
  remember("sessionStorage", "key", 1);
  let refusals = 0;
  onRefusal(() => { refusals += 1; });
  remember("sessionStorage", "key", 2);

  assert.equal(recall("sessionStorage", "key"), null);
  assert.equal(refusals, 1);
});

test("what somebody else wrote under the same key is nothing", () => {
  putStorage(new MemoryStorage());
  globalThis.sessionStorage.setItem("key", "{not JSON");

  assert.equal(recall("sessionStorage", "key"), null);
});

test("a key has the page's path, and nothing of its query", () => {
  const key = keyFor("guest", new URL("https://a.example/help/chat?token=secret#part"));

  assert.equal(key, "echochat 2 guest /help/chat");
});

test("a page has one key with and without a slash at its end, and another page another", () => {
  const [bare, slash, other] = ["/chat", "/chat/", "/chat/two"].map((pathname) =>
    keyFor("guest", { pathname }));

  assert.equal(bare, slash);
  assert.notEqual(bare, other);
});
