import assert from "node:assert/strict";
import { test } from "node:test";
import { Monitor } from "../../fastapi_echochat/static/monitor.js";

// Goes through an attempt to connect that fails.
function fail(monitor, now = 0) {
  monitor.enter("connecting", now);
  monitor.enter("waiting", now);
}

function delays(random, attempts) {
  const monitor = new Monitor(() => random);
  return Array.from({ length: attempts }, () => {
    fail(monitor);
    return monitor.delay;
  });
}

test("each attempt that fails doubles the wait, up to half a minute", () => {
  assert.deepEqual(
    delays(1, 8),
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
});

test("jitter takes off up to a half of the wait", () => {
  assert.deepEqual(delays(0, 3), [500, 1000, 2000]);
  assert.deepEqual(delays(0.5, 3), [750, 1500, 3000]);
});

test("a thousand attempts in vain wait no longer than ten", () => {
  assert.equal(delays(1, 1000).at(-1), Monitor.longest);
});

test("a connection that is made starts the wait anew", () => {
  const monitor = new Monitor(() => 1);
  for (let attempt = 0; attempt < 6; attempt += 1) fail(monitor);
  monitor.enter("connecting", 0);
  monitor.enter("open", 0);
  monitor.enter("waiting", 0);

  assert.equal(monitor.delay, Monitor.first);
  assert.equal(monitor.isFailing, false);
});

test("a page may connect while it waits and after it has stopped, and not twice at once", () => {
  const monitor = new Monitor();
  const mayConnect = (state) => {
    monitor.enter(state, 0);
    return monitor.mayConnect;
  };

  assert.deepEqual(
    ["waiting", "connecting", "open", "stopped"].map(mayConnect),
    [true, false, false, true],
  );
});

test("an attempt that has no outcome after 15 seconds hangs", () => {
  const monitor = new Monitor();
  monitor.enter("connecting", 1000);

  assert.equal(monitor.isHanging(16_000), false);
  assert.equal(monitor.isHanging(16_001), true);
  monitor.enter("open", 16_001);
  assert.equal(monitor.isHanging(99_000), false);
});

test("a connection that is silent for 25 seconds is pinged, once", () => {
  const monitor = new Monitor();
  monitor.enter("open", 0);

  assert.equal(monitor.isPingDue(25_000), false);
  assert.equal(monitor.isPingDue(25_001), true);
  monitor.notePing(25_001);
  assert.equal(monitor.isPingDue(30_000), false);
});

test("while somebody looks, silence is noticed within ten seconds, checked once a second", () => {
  const monitor = new Monitor();
  monitor.enter("open", 0);
  const noticed = [];
  for (let now = 1000; now <= 10_000; now += 1000) {
    if (monitor.isDoubtful(now)) noticed.push(now);
    else if (monitor.isPingDue(now, true)) monitor.notePing(now);
  }

  assert.deepEqual(noticed, [10_000]);
  assert.equal(monitor.isHalfOpen(10_000), false);
  monitor.noteFrame(10_500);
  assert.equal(monitor.isDoubtful(11_000), false);
});

test("a refusal is asked about again, seldom, and more seldom each time", () => {
  const monitor = new Monitor(() => 1);
  const waits = Array.from({ length: 5 }, () => {
    monitor.enter("stopped", 0);
    return monitor.delayAfterStop;
  });
  monitor.enter("open", 0);
  monitor.enter("stopped", 0);

  assert.deepEqual(waits, [30_000, 60_000, 120_000, 240_000, 300_000]);
  assert.equal(monitor.delayAfterStop, Monitor.seldom);
});

test("any frame puts the next ping off", () => {
  const monitor = new Monitor();
  monitor.enter("open", 0);
  monitor.noteFrame(20_000);

  assert.equal(monitor.isPingDue(45_000), false);
  assert.equal(monitor.isPingDue(45_001), true);
});

test("a ping without an answer for 10 seconds means that the connection is half open", () => {
  const monitor = new Monitor();
  monitor.enter("open", 0);
  monitor.notePing(26_000);
  monitor.notePing(30_000);

  assert.equal(monitor.isHalfOpen(36_000), false);
  assert.equal(monitor.isHalfOpen(36_001), true);
  monitor.noteFrame(36_001);
  assert.equal(monitor.isHalfOpen(99_000), false);
});

test("a server that refuses twice running means it", () => {
  const monitor = new Monitor();
  monitor.refusals += 1;
  assert.equal(monitor.isRefused, false);
  monitor.refusals += 1;
  assert.equal(monitor.isRefused, true);
  monitor.enter("open", 0);
  assert.equal(monitor.isRefused, false);
});

test("a connection that lasted less than half a second is brief", () => {
  const monitor = new Monitor();
  monitor.enter("open", 1000);

  assert.equal(monitor.isBrief(1499), true);
  assert.equal(monitor.isBrief(1500), false);
});
