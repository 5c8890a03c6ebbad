import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../../fastapi_echochat/static/conversation.js";
import { MemoryStorage, putStorage } from "./storage.js";

const mine = (id, end) => ({ kind: "mine", id, text: `text ${id}`, at: 1, end });

function reload(...entries) {
  putStorage(new MemoryStorage());
  const conversation = new Conversation("key");
  for (const entry of entries) conversation.add(entry);
  conversation.keep();
  return new Conversation("key").entries;
}

test("a conversation outlives a reload, without what belongs to the page", () => {
  assert.deepEqual(
    reload({ ...mine("1", "failed"), detail: "why", item: {}, sentAt: 3 }),
    [{ ...mine("1", "failed"), detail: "why" }],
  );
});

test("a message that is under way is kept, and the answer that has begun is not", () => {
  const begun = { kind: "answer", text: "Mess", at: 2 };

  assert.deepEqual(reload(mine("1"), begun), [{ kind: "mine", id: "1", text: "text 1", at: 1 }]);
});

test("of a long conversation the newest entries are kept, and all that is under way", () => {
  const ended = Array.from({ length: 300 }, (_, index) => mine(String(index), "done"));
  const kept = reload(mine("open"), ...ended);

  assert.equal(kept.length, Conversation.mostEntries + 1);
  assert.deepEqual([kept[0].id, kept[1].id, kept.at(-1).id], ["open", "100", "299"]);
});

test("texts are kept up to a number of characters", () => {
  const long = { kind: "answer", text: "x".repeat(150_000), at: 1, end: "done" };

  assert.equal(reload(long, { ...long, at: 2 }).length, 1);
});

test("a conversation that is cleared stays empty after a reload", () => {
  putStorage(new MemoryStorage());
  const conversation = new Conversation("key");
  conversation.add(mine("1", "done"));
  conversation.keep();
  conversation.clear();

  assert.deepEqual(new Conversation("key").entries, []);
});
