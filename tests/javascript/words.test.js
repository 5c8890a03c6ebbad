import assert from "node:assert/strict";
import { test } from "node:test";
import { fillLabel, repairText } from "../../fastapi_echochat/static/words.js";

test("each name in braces is replaced by its value", () => {
  assert.equal(fillLabel("{count} of {all}, {count}", { count: 1, all: 2 }).join(""), "1 of 2, 1");
});

test("braces in a value are no names", () => {
  assert.equal(fillLabel("Not answered: {detail}", { detail: "{all}" }).join(""), "Not answered: {all}");
});

test("a name without a value stays as it is written", () => {
  assert.equal(fillLabel("{who} is here", {}).join(""), "{who} is here");
});

test("a value of several pieces, such as elements, stays several pieces", () => {
  const ada = { tag: "bdi" };

  assert.deepEqual(fillLabel("{n} here: {names}", { n: "1", names: [ada, ", "] }), [
    "", "1", " here: ", ada, ", ", "",
  ]);
});

test("half of a surrogate pair is replaced, and a pair is not", () => {
  assert.equal(repairText("a\uD83Db \u{1F408} \uDC08"), "a\uFFFDb \u{1F408} \uFFFD");
});
