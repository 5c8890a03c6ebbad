import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../fastapi_echochat/static/history.js";

const message = (position) => ({ kind: "message", id: `m${position}`, position });
const answer = (position, id) => ({ kind: "answer", id, position });

function historyOf(...positions) {
  const history = new History();
  for (const position of positions) history.place(message(position));
  return history;
}

const positions = ({ entries }) => entries.map(({ position }) => position);

test("entries stand in the order of their positions, in whatever order they come", () => {
  assert.deepEqual(positions(historyOf(5, 3, 9, 4, 1)), [1, 3, 4, 5, 9]);
});

test("placing an entry returns where it stands", () => {
  const history = historyOf(1, 5);

  assert.equal(history.place(message(3)), 1);
  assert.equal(history.place(message(9)), 3);
});

test("messages that wait come before answers that are being written", () => {
  const history = historyOf(1);
  const draft = { kind: "answer", id: "m1" };
  const waiting = { kind: "message", id: "w1" };

  assert.equal(history.hold(draft), undefined);
  assert.equal(history.hold(waiting), draft);
  assert.equal(history.hold({ kind: "message", id: "w2" }), draft);
  assert.deepEqual(history.all.map(({ id }) => id), ["m1", "w1", "w2", "m1"]);
});

test("an entry that gets its position waits no longer", () => {
  const history = historyOf(1, 2);
  const waiting = { kind: "message", id: "w1" };
  history.hold(waiting);
  waiting.position = 3;
  history.place(waiting);

  assert.deepEqual(history.loose, []);
  assert.equal(history.entries.at(-1), waiting);
});

test("an answer without text is known and stands nowhere", () => {
  const history = historyOf(1);
  const silent = answer(2, "m1");
  history.hold(silent);
  history.know(silent);

  assert.equal(history.find("answer", "m1"), silent);
  assert.deepEqual(history.all.length, 1);
});

test("a history that grows for days forgets its oldest half at a time", () => {
  const all = Array.from({ length: History.most + 1 }, (_, index) => index + 1);
  const history = historyOf(...all.slice(0, -1));
  assert.deepEqual(history.trim(), []);
  history.place(message(all.at(-1)));
  const old = history.trim();

  assert.deepEqual(old.map(({ position }) => position), all.slice(0, History.most / 2));
  assert.equal(history.entries[0].position, History.most / 2 + 1);
  assert.equal(history.find("message", "m1"), undefined);
  assert.ok(history.find("message", `m${all.at(-1)}`));
});

test("a history that is cleared knows nothing", () => {
  const history = historyOf(1);
  history.newest = 1;
  history.hold({ kind: "message", id: "w1" });
  history.clear();

  assert.deepEqual([history.all, history.newest], [[], null]);
  assert.equal(history.find("message", "m1"), undefined);
});
