// A conversation that outlives a reload of its tab. The pages of a tab share it: the chat's own, a
// widget, and one that is come back to.

import { recall, remember } from "./storage.js";

// An entry is a message, `mine`, or its `answer`, which has its id; without an `end` it is under
// way: a message is then sent again after the reload, and its answer starts anew.
export class Conversation {
  static fields = ["id", "entries", "kind", "text", "at", "end", "detail"];
  static mostEntries = 200;
  static mostCharacters = 200_000;
  // In milliseconds. What comes closer together is written together.
  static pause = 250;

  // `show` gets the entries that another page has written or ended, and whether all before is void;
  // `owns(id)` says whether a message is under way here.
  constructor(key, { show, owns }) {
    this.key = key;
    this.show = show;
    this.owns = owns;
    this.start();
  }

  start() {
    this.id = Math.random();
    this.entries = [];
    this.known = new Map();
  }

  static nameOf({ kind, id }) { return `${kind} ${id}`; }

  find(kind, id) { return this.known.get(Conversation.nameOf({ kind, id })); }

  // A message and its answer, as another page may have them.
  entriesOf(wanted) {
    const { fields } = Conversation;
    const mine = [this.find("mine", wanted), this.find("answer", wanted)];
    return JSON.parse(JSON.stringify(mine.filter(Boolean), fields));
  }

  add(entry) {
    this.entries.push(entry);
    this.known.set(Conversation.nameOf(entry), entry);
    return entry;
  }

  // The newest, within the bounds, and each message that has no answer yet.
  get kept() {
    let entries = 0;
    let characters = 0;
    const isKept = ({ kind, text, end }) => {
      if (!end) return kind === "mine";
      entries += 1;
      characters += text.length;
      return entries <= Conversation.mostEntries && characters <= Conversation.mostCharacters;
    };
    return this.entries.slice().reverse().filter(isKept).reverse();
  }

  // Takes what another page of this tab has kept since: nothing of it is overwritten.
  read() {
    const { id, entries } = recall("sessionStorage", this.key) ?? {};
    if (!entries) return;
    const isCleared = id !== this.id;
    if (isCleared) {
      const ours = this.entries.filter((entry) => !entry.end && this.owns(entry.id));
      this.start();
      for (const entry of ours) this.add(entry);
      this.id = id;
    }
    this.take(entries, isCleared);
  }

  take(entries, isCleared = false) {
    const news = [];
    for (const entry of entries) {
      const known = this.find(entry.kind, entry.id);
      if (!known) news.push(this.add(entry));
      // An answer that comes here as well has an end of its own.
      else if (entry.end && !known.end && entry.kind === "mine" && !known.draft) {
        news.push(Object.assign(known, entry));
      }
    }
    if (isCleared || news.length) this.show(news, isCleared);
  }

  // Within a moment, as a tab may die without a word.
  keep() {
    if (this.timer) {
      this.isDue = true;
      return;
    }
    this.write();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.isDue) this.keep();
    }, Conversation.pause);
  }

  write() {
    this.isDue = false;
    this.read();
    const { id, kept: entries } = this;
    remember("sessionStorage", this.key, { id, entries }, Conversation.fields);
  }

  clear() {
    this.start();
    const { id, entries } = this;
    remember("sessionStorage", this.key, { id, entries });
  }
}
