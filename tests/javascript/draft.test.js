import assert from "node:assert/strict";
import { test } from "node:test";
import { Draft } from "../../fastapi_echochat/static/draft.js";

function draftOf(text) {
  const shown = [];
  const entry = { text, item: { body: { charactersPerMillisecond: 100 } } };
  return { entry, shown, draft: new Draft(entry, (batch) => shown.push(batch)) };
}

test("pieces that come together are shown together", () => {
  const { draft, entry, shown } = draftOf("");
  for (const piece of ["one ", "two ", "three"]) draft.add(piece);
  assert.deepEqual(shown, []);
  draft.flush();
  draft.flush();

  assert.deepEqual(shown, ["one two three"]);
  assert.equal(entry.text, "one two three");
});

test("pieces are shown without being asked for, a frame later", async () => {
  const { draft, shown } = draftOf("");
  draft.add("one");
  await new Promise((resolve) => { setTimeout(resolve, 50); });

  assert.deepEqual(shown, ["one"]);
});

test("the longer the text is, the later more of it is shown", async () => {
  const { draft, shown } = draftOf("x".repeat(20_000));
  draft.add("one");
  await new Promise((resolve) => { setTimeout(resolve, 100); });
  assert.deepEqual(shown, []);
  await new Promise((resolve) => { setTimeout(resolve, 150); });

  assert.deepEqual(shown, ["one"]);
});

test("an answer that goes on where it is adds only the rest", () => {
  const { draft, entry, shown } = draftOf("Hel");

  assert.equal(draft.resume("Hello"), false);
  draft.flush();
  assert.deepEqual(shown, ["lo"]);
  assert.equal(entry.text, "Hello");
});

test("an answer that begins otherwise replaces what was here", () => {
  const { draft, entry, shown } = draftOf("Hel");

  assert.equal(draft.resume("Good day"), true);
  draft.flush();
  assert.deepEqual(shown, ["Good day"]);
  assert.equal(entry.text, "Good day");
});

test("a piece that is not shown yet counts as here when the answer goes on", () => {
  const { draft, entry } = draftOf("Hel");
  draft.add("lo");

  assert.equal(draft.resume("Hello, Ada"), false);
  draft.flush();
  assert.equal(entry.text, "Hello, Ada");
});
