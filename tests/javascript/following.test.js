import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf, placeFor } from "../../fastapi_echochat/static/following.js";

test("the list shows its end while the question is in view", () => {
  assert.deepEqual(placeFor(100, 300), { top: 100, isHeld: false });
});

test("without a question the list shows its end, however long the answer is", () => {
  assert.deepEqual(placeFor(100_000), { top: 100_000, isHeld: false });
});

test("a question that has come to the top stays there", () => {
  assert.deepEqual(placeFor(400, 300), { top: 300, isHeld: true });
});

test("less than a line or two below is held, and not worth a button", () => {
  assert.deepEqual(placeFor(320, 300), { top: 300, isHeld: false });
});

test("a question near the beginning is not above it", () => {
  assert.deepEqual(placeFor(400, -8), { top: 0, isHeld: true });
});

const scroll = { isUp: false, isHeld: false, rest: 500, isDeliberate: true };

test("a scroll up, or away from a held place, stays where it leads", () => {
  assert.equal(meaningOf({ ...scroll, isUp: true }), "stay");
  assert.equal(meaningOf({ ...scroll, isHeld: true }), "stay");
});

test("a scroll that is nobody's means nothing", () => {
  assert.equal(meaningOf({ ...scroll, isUp: true, isDeliberate: false }), "");
  assert.equal(meaningOf(scroll), "");
});

test("a scroll down to the end follows it, and one that leaves it does not", () => {
  assert.equal(meaningOf({ ...scroll, rest: 0 }), "follow");
  assert.equal(meaningOf({ ...scroll, rest: 0, isHeld: true }), "follow");
  assert.equal(meaningOf({ ...scroll, rest: 20, isUp: true }), "");
});
