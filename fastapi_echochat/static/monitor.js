// When to connect, and when to doubt a connection.

// Knows times and counts, no socket. Times are milliseconds.
export class Monitor {
  static first = 500;
  static longest = 30_000;
  // After a refusal, which may be of something in front that is being restarted.
  static seldom = 30_000;
  static mostSeldom = 300_000;
  static connectWithin = 15_000;
  static pingAfter = 25_000;
  // While somebody looks at the page, who should not read that it is connected when it is not.
  static pingSoonAfter = 5000;
  static doubtAfter = 3000;
  static pongWithin = 10_000;

  state = "waiting";
  attempts = 0;
  refusals = 0;
  stops = 0;
  since = 0;
  heardAt = 0;
  pingedAt = 0;

  constructor(random = Math.random) { this.random = random; }

  enter(state, now) {
    this.state = state;
    this.since = now;
    if (state === "connecting") this.attempts += 1;
    if (state === "stopped") this.stops += 1;
    if (state !== "open") return;
    this.attempts = this.refusals = this.stops = 0;
    this.noteFrame(now);
  }

  noteFrame(now) { this.heardAt = now; this.pingedAt = 0; }
  notePing(now) { this.pingedAt ||= now; }

  get isOpen() { return this.state === "open"; }
  // A connection that was barely there is not replaced at once.
  isBrief(now) { return now - this.since < Monitor.first; }
  get isFailing() { return this.state === "waiting" && this.attempts > 0; }
  get mayConnect() { return this.state === "waiting" || this.state === "stopped"; }
  // A server that is up and refuses twice running means it; once may be one that just started.
  get isRefused() { return this.refusals >= 2; }
  isHanging(now) { return this.state === "connecting" && now - this.since > Monitor.connectWithin; }
  isPingDue(now, isSeen) {
    const after = isSeen ? Monitor.pingSoonAfter : Monitor.pingAfter;
    return this.isOpen && !this.pingedAt && now - this.heardAt > after;
  }

  hasWaited(now, milliseconds) {
    return this.isOpen && this.pingedAt > 0 && now - this.pingedAt > milliseconds;
  }

  // A pong that takes long: the connection may be dead, or only slow.
  isDoubtful(now) { return this.hasWaited(now, Monitor.doubtAfter); }
  isHalfOpen(now) { return this.hasWaited(now, Monitor.pongWithin); }

  get delay() { return this.backOff(Monitor.first, this.attempts, Monitor.longest); }
  get delayAfterStop() { return this.backOff(Monitor.seldom, this.stops - 1, Monitor.mostSeldom); }

  // Exponential, with jitter so that a thousand pages do not come back at once.
  backOff(first, times, most) {
    return Math.min(most, first * 2 ** Math.min(times, 10)) * (0.5 + this.random() / 2);
  }
}
