import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../fastapi_echochat/static/history.js";

const message = (position) => ({ kind: "message", id: "1", position });
const answer = (question, position) => ({ kind: "answer", in_reply_to: question, position });
const waiting = (id) => ({ kind: "message", id });

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
  const [first, second, draft] = [waiting("w1"), waiting("w2"), answer(1)];

  assert.equal(history.hold(draft), undefined);
  assert.equal(history.hold(first), draft);
  assert.equal(history.hold(second), draft);
  assert.deepEqual(history.all.slice(1), [first, second, draft]);
});

test("an entry that gets its position waits no longer", () => {
  const history = historyOf(1, 2);
  const own = waiting("w1");
  history.hold(own);
  own.position = 3;
  history.place(own);

  assert.deepEqual(history.loose, []);
  assert.equal(history.entries.at(-1), own);
  assert.equal(history.find(3), own);
});

test("an answer without text is known and stands nowhere", () => {
  const history = historyOf(1);
  const silent = answer(1, 2);
  history.hold(silent);
  history.know(silent);

  assert.equal(history.findAnswer(history.find(1)), silent);
  assert.equal(history.find(2), silent);
  assert.deepEqual(history.all.length, 1);
});

test("messages of one id, by different people, are different entries", () => {
  const history = historyOf(1, 2);
  history.place(answer(2, 3));

  assert.notEqual(history.find(1), history.find(2));
  assert.equal(history.findAnswer(history.find(1)), undefined);
  assert.equal(history.findAnswer(history.find(2)), history.find(3));
  assert.equal(history.findQuestion(history.find(3)), history.find(2));
});

test("a message that waits has no answer, though another's has", () => {
  const history = historyOf(1);
  const own = waiting("1");
  history.hold(own);
  history.hold(answer(1));

  assert.equal(history.findAnswer(own), undefined);
  assert.equal(history.findQuestion(own), undefined);
});

test("of the newest messages those that have no end, and are young enough, are unanswered", () => {
  const history = new History();
  const add = (position, at, end) => history.place({ ...message(position), at, end });
  add(1, 500);
  add(2, 1001);
  add(3, 1002, "done");
  history.place({ ...answer(3, 4), at: 1003, end: "done" });
  // Of what the server has not the page's own clock has told the time.
  history.hold({ ...waiting("w1"), at: 4 });

  assert.deepEqual(history.unansweredSince(1000).map(({ at }) => at), [1001, 4]);
});

test("messages that are far up count as ended", () => {
  const history = new History();
  for (let position = 1; position <= 80; position += 1) history.place({ ...message(position), at: 1 });

  assert.equal(history.unansweredSince(0).length, History.mostUnanswered);
});

test("a history that grows for days forgets its oldest half at a time", () => {
  const all = Array.from({ length: History.most + 1 }, (_, index) => index + 1);
  const history = historyOf(...all.slice(0, -1));
  assert.deepEqual(history.trim(), []);
  history.place(message(all.at(-1)));
  const old = history.trim();

  assert.deepEqual(old.map(({ position }) => position), all.slice(0, History.most / 2));
  assert.equal(history.entries[0].position, History.most / 2 + 1);
  assert.equal(history.find(1), undefined);
  assert.equal(history.find(all.at(-1)), history.entries.at(-1));
});

test("a history that is cleared knows nothing", () => {
  const history = historyOf(1);
  history.newest = 1;
  history.hold(waiting("w1"));
  history.hold(answer(1));
  history.clear();

  assert.deepEqual([history.all, history.newest], [[], null]);
  assert.equal(history.find(1), undefined);
  assert.equal(history.findAnswer(message(1)), undefined);
});
