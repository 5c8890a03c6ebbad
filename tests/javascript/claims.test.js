import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Claims } from "../../fastapi_echochat/static/claims.js";

const pages = [];

// A page that has some messages, and what it was told of others'.
function openPage(...ids) {
  const told = [];
  const page = new Claims("chat", {
    owns: (id) => ids.includes(id),
    take: (entries) => told.push(...entries),
  });
  pages.push(page);
  return Object.assign(page, { told });
}

const settle = () => new Promise((resolve) => { setTimeout(resolve, 50); });

afterEach(() => { for (const page of pages.splice(0)) page.channel.close(); });

test("a message of which no other page knows is one's own", async () => {
  openPage("other");

  assert.deepEqual(await openPage("1").findOthers(["1"]), []);
});

test("what another page has under way is another's", async () => {
  openPage("1", "3");

  assert.deepEqual(await openPage("1", "2", "3").findOthers(["1", "2", "3"]), ["1", "3"]);
});

test("of two pages that ask at the same time one goes first", async () => {
  const [one, other] = [openPage("1"), openPage("1")];
  const found = await Promise.all([one.findOthers(["1"]), other.findOthers(["1"])]);

  assert.deepEqual(found.flat(), ["1"]);
});

test("who has asked is told the end, once", async () => {
  const [one, other, third] = [openPage("1"), openPage("1"), openPage()];
  await other.findOthers(["1"]);
  const end = { kind: "mine", id: "1", end: "done" };
  one.tell("1", [end]);
  one.tell("1", [end]);
  one.tell("2", [end]);
  await settle();

  assert.deepEqual(other.told, [end]);
  assert.deepEqual(third.told, [end]);
});
