// What was said in a room, in its order, and where that is in the list of messages.

// An entry is what the server sent, and what the page adds: `item`, which shows it, and marks that
// stand before it. One's own messages that wait, and answers that are being written, have no
// position yet: they come after everything that has.
class History {
  static marks = ["seam", "day", "fresh"];
  static most = 3000;

  constructor(log, settle) {
    this.log = log;
    this.settle = settle;
    this.reset();
  }

  reset() {
    this.entries = [];
    this.loose = [];
    this.known = new Map();
    this.newest = null;
  }

  find(kind, id) { return this.known.get(`${kind} ${id}`); }

  // Of what waits, messages come before answers, as they will in the end.
  hold(entry) {
    const isMessage = entry.kind === "message";
    const next = isMessage ? this.loose.find(({ kind }) => kind === "answer") : undefined;
    this.know(entry);
    this.put(entry.item, next?.item);
    this.loose.splice(next ? this.loose.indexOf(next) : this.loose.length, 0, entry);
    this.settle(entry, this.entries.at(-1));
  }

  place(entry) {
    this.know(entry);
    let index = this.entries.length;
    while (index && this.entries[index - 1].position > entry.position) index -= 1;
    const [previous, next] = [this.entries[index - 1], this.entries[index]];
    this.put(entry.item, next ? this.head(next) : this.loose[0]?.item);
    this.entries.splice(index, 0, entry);
    this.settle(entry, previous);
    if (next) this.settle(next, entry);
  }

  // That is all there is to an answer that says nothing: it is shown nowhere.
  know(entry) {
    this.known.set(`${entry.kind} ${entry.id}`, entry);
    this.loose = this.loose.filter((other) => other !== entry);
  }

  // What is in its place already is not moved: a screen reader would read it out again.
  put(item, next) {
    const list = item.parentElement;
    const after = item.nextElementSibling ?? list?.nextElementSibling?.firstElementChild;
    if (list && (after ?? undefined) === next) return;
    if (next) this.putBefore(item, next);
    else this.log.list.append(item);
  }

  putBefore(item, next) {
    const list = next.parentElement;
    const isFull = list.childElementCount >= Log.listLength;
    if (!isFull || next.previousElementSibling) return next.before(item);
    const before = list.previousElementSibling;
    const hasSpace = before?.childElementCount < Log.listLength;
    (hasSpace ? before : this.log.newList(list)).append(item);
  }

  head(entry) { return entry.seam ?? entry.day ?? entry.fresh ?? entry.item; }

  // Puts a mark before an entry, or takes it away.
  mark(entry, name, mark) {
    entry[name]?.remove();
    entry[name] = mark;
    if (!mark) return;
    const later = History.marks.slice(History.marks.indexOf(name) + 1);
    mark.className = `mark ${name}`;
    later.map((other) => entry[other]).concat(entry.item).find(Boolean).before(mark);
  }

  // A tab that is open for days keeps the newest; who scrolls up asks for the rest again. Returns
  // what is the first then, where that has changed.
  trim() {
    if (this.entries.length <= History.most) return undefined;
    for (const entry of this.entries.splice(0, History.most / 2)) {
      this.known.delete(`${entry.kind} ${entry.id}`);
      const list = entry.item.parentElement;
      for (const name of History.marks) entry[name]?.remove();
      entry.item.remove();
      if (!list.childElementCount) list.remove();
    }
    return this.entries[0];
  }
}
