import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../fastapi_echochat/static/outbox.js";

function outboxOf(...ids) {
  const outbox = new Outbox();
  for (const id of ids) outbox.add({ id });
  return outbox;
}

const due = (outbox, now = 1) => [...outbox.takeDue(now)].map(({ id }) => id);

test("messages are due in the order in which they were written", () => {
  const outbox = outboxOf("b", "a", "10", "9");
  outbox.window = 4;

  assert.deepEqual(due(outbox), ["b", "a", "10", "9"]);
});

test("no more messages are under way than the window admits", () => {
  const outbox = outboxOf("1", "2", "3", "4");
  outbox.window = 2;

  assert.deepEqual(due(outbox), ["1", "2"]);
  assert.deepEqual(due(outbox), []);
  outbox.remove(outbox.messages.get("1"));
  assert.deepEqual(due(outbox), ["3"]);
});

test("a message is due once, and keeps the time at which it was sent", () => {
  const outbox = outboxOf("1");

  assert.deepEqual(due(outbox, 7), ["1"]);
  outbox.window = 2;
  assert.deepEqual(due(outbox, 8), []);
  assert.equal(outbox.messages.get("1").sentAt, 7);
});

test("after a lost connection everything without an answer is due again, in order", () => {
  const outbox = outboxOf("1", "2", "3");
  outbox.window = 2;
  due(outbox);
  outbox.rewind();

  assert.deepEqual(due(outbox), ["1", "2"]);
});

test("a message that was never sent leaves the window as it is", () => {
  const outbox = outboxOf("1", "2", "3");
  due(outbox);
  outbox.remove(outbox.messages.get("3"));

  assert.deepEqual(due(outbox), []);
});

test("removing a message twice, or a strange one, frees the window once", () => {
  const outbox = outboxOf("1", "2", "3");
  due(outbox);
  const [first] = outbox.messages.values();
  outbox.remove(first);
  outbox.remove(first);
  outbox.remove({ id: "elsewhere", sentAt: 1 });

  assert.deepEqual(due(outbox), ["2"]);
  assert.deepEqual(due(outbox), []);
});

test("the current message is the first that was sent", () => {
  const outbox = outboxOf("1", "2");

  assert.equal(outbox.current, undefined);
  due(outbox);
  assert.equal(outbox.current.id, "1");
});

test("an outbox that is cleared has a whole window", () => {
  const outbox = outboxOf("1");
  due(outbox);
  outbox.clear();
  outbox.add({ id: "2" });

  assert.deepEqual(due(outbox), ["2"]);
});

test("a message that its author is asked about is passed over", () => {
  const outbox = outboxOf("1", "2");
  outbox.messages.get("1").isHeld = true;

  assert.deepEqual(due(outbox), ["2"]);
  assert.equal(outbox.current.id, "2");
  outbox.messages.get("1").isHeld = false;
  outbox.window = 2;
  assert.deepEqual(due(outbox), ["1"]);
});

test("something is unsent until all is sent", () => {
  const outbox = outboxOf("1", "2");
  assert.equal(new Outbox().hasUnsent, false);
  due(outbox);
  assert.equal(outbox.hasUnsent, true);
  outbox.window = 2;
  due(outbox);
  assert.equal(outbox.hasUnsent, false);
  outbox.rewind();
  assert.equal(outbox.hasUnsent, true);
});

test("what a server could not read is the longest of what is sent and not begun to be answered", () => {
  const outbox = new Outbox();
  assert.equal(outbox.suspect, undefined);
  outbox.window = 3;
  for (const length of [1, 30, 20, 40]) outbox.add({ id: String(length), text: "x".repeat(length) });
  due(outbox);
  outbox.messages.get("30").firstAt = 5;

  assert.equal(outbox.suspect.id, "20");
});
