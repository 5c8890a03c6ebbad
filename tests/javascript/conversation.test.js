import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Conversation } from "../../fastapi_echochat/static/conversation.js";
import { MemoryStorage, putStorage } from "./storage.js";

const mine = (id, end) => ({ kind: "mine", id, text: `text ${id}`, at: 1, end });
const answer = (id, end = "done") => ({ kind: "answer", id, text: `answer ${id}`, at: 2, end });
const idsOf = (entries) => entries.map(({ id }) => id);

// A page of a tab: what it was told of stands in `told`.
function openPage(...underWay) {
  const told = [];
  const page = new Conversation("key", {
    show: (news, isCleared) => told.push([idsOf(news), isCleared]),
    owns: (id) => underWay.includes(id),
  });
  page.read();
  return Object.assign(page, { told });
}

function say(page, ...entries) {
  for (const entry of entries) page.add(entry);
  page.write();
}

function reload(...entries) {
  say(openPage(), ...entries);
  return openPage().entries;
}

beforeEach(() => putStorage(new MemoryStorage()));

test("a conversation outlives a reload, without what belongs to the page", () => {
  assert.deepEqual(
    reload({ ...mine("1", "failed"), detail: "why", item: {}, sentAt: 3 }),
    [{ ...mine("1", "failed"), detail: "why" }],
  );
});

test("a message that is under way is kept, and the answer that has begun is not", () => {
  const begun = { kind: "answer", id: "1", text: "Mess", at: 2 };

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

  assert.equal(reload({ ...long, id: "1" }, { ...long, id: "2" }).length, 1);
});

test("what is said is kept at once, and what comes soon after it within a moment", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const page = openPage();
  for (const id of ["1", "2", "3"]) {
    page.add(mine(id, "done"));
    page.keep();
  }
  assert.deepEqual(idsOf(openPage().entries), ["1"]);
  mock.timers.tick(Conversation.pause);
  assert.deepEqual(idsOf(openPage().entries), ["1", "2", "3"]);
  mock.timers.reset();
});

test("a page that writes later overwrites nothing that it has not seen", () => {
  const early = openPage();
  say(early, mine("1", "done"), answer("1"));
  const late = openPage();
  say(late, mine("2", "done"), answer("2"));
  say(early, mine("3", "done"));

  assert.deepEqual(idsOf(openPage().entries).sort(), ["1", "1", "2", "2", "3"]);
  assert.deepEqual(early.told, [[["2", "2"], false]]);
});

test("what was answered in another page is no longer under way in this one", () => {
  const early = openPage("1");
  say(early, mine("1"));
  const late = openPage("1");
  Object.assign(late.find("mine", "1"), { end: "done" });
  say(late, answer("1"));
  early.read();

  assert.equal(early.find("mine", "1").end, "done");
  assert.deepEqual(early.told, [[["1", "1"], false]]);
});

test("an answer that comes here goes on, whatever another page has of it", () => {
  const here = openPage("1");
  say(here, { ...mine("1"), draft: {} }, { ...answer("1"), end: undefined });
  here.take([mine("1", "stopped"), { ...answer("1", "stopped"), text: "ans" }]);

  assert.deepEqual(here.entries.map(({ end }) => end), [undefined, undefined]);
  assert.deepEqual(here.told, []);
});

test("a conversation that is cleared stays empty after a reload", () => {
  const page = openPage();
  say(page, mine("1", "done"));
  page.clear();

  assert.deepEqual(openPage().entries, []);
});

test("what one page has cleared does not come back from another, and what waits there stays", () => {
  const one = openPage();
  say(one, mine("old", "done"), answer("old"), mine("elsewhere"));
  const other = openPage("waiting");
  say(other, mine("waiting"));
  one.clear();
  other.read();
  say(other, mine("new", "done"));

  assert.deepEqual(idsOf(openPage().entries), ["waiting", "new"]);
  assert.deepEqual(other.told.at(-1), [[], true]);
});

test("another page gets a message and its answer as what they are", () => {
  const page = openPage();
  say(page, { ...mine("1", "done"), item: {} }, answer("1"), mine("2"));

  assert.deepEqual(page.entriesOf("1"), [mine("1", "done"), answer("1")]);
  assert.deepEqual(idsOf(page.entriesOf("2")), ["2"]);
});
