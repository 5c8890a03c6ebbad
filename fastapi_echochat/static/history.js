// The entries of a room, in their order.

// An entry is what the server sent, and what the page adds to it. One's own messages that wait, and
// answers that are being written, have no position yet: they come after everything that has.
export class History {
  static most = 3000;
  static mostUnanswered = 50;

  constructor() { this.clear(); }

  clear() {
    this.entries = [];
    this.loose = [];
    this.known = new Map();
    this.answers = new Map();
    this.newest = null;
  }

  get all() { return [...this.entries, ...this.loose]; }

  // Entries are told apart by position: different people may choose the same id.
  find(position) { return this.known.get(position); }
  findAnswer({ position }) { return this.answers.get(position); }
  findQuestion(answer) { return this.find(answer.in_reply_to); }

  // Knows an entry that has no place, or not yet: an answer without text is shown nowhere.
  know(entry) {
    if (entry.position) this.known.set(entry.position, entry);
    if (entry.kind === "answer") this.answers.set(entry.in_reply_to, entry);
    this.loose = this.loose.filter((other) => other !== entry);
  }

  // Of what waits, messages come before answers, as they will in the end. Returns the next one.
  hold(entry) {
    this.know(entry);
    const isMessage = entry.kind === "message";
    const next = isMessage ? this.loose.find(({ kind }) => kind === "answer") : undefined;
    this.loose.splice(next ? this.loose.indexOf(next) : this.loose.length, 0, entry);
    return next;
  }

  // Puts an entry where its position says, and returns its index.
  place(entry) {
    this.know(entry);
    let index = this.entries.length;
    while (index && this.entries[index - 1].position > entry.position) index -= 1;
    this.entries.splice(index, 0, entry);
    return index;
  }

  // Messages from after a time of the server's, in milliseconds, of which nobody knows yet how they
  // end. What the server has not has no such time.
  unansweredSince(time) {
    const isOpen = ({ kind, end, at, position }) =>
      kind === "message" && !end && (!position || at > time);
    return [...this.entries.slice(-History.mostUnanswered), ...this.loose].filter(isOpen);
  }

  // A tab that is open for days keeps the newest. Returns what is too old.
  trim() {
    if (this.entries.length <= History.most) return [];
    const old = this.entries.splice(0, History.most / 2);
    for (const entry of old) {
      this.known.delete(entry.position);
      if (entry.kind === "answer") this.answers.delete(entry.in_reply_to);
    }
    return old;
  }
}
