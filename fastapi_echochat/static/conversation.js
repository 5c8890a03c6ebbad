// A conversation that outlives a reload of its tab.

import { recall, remember } from "./storage.js";

// An entry is a message, `mine`, or an `answer`; without an `end` it is under way: a message is
// then sent again after the reload, and its answer starts anew.
export class Conversation {
  static fields = ["kind", "id", "text", "at", "end", "detail"];
  static mostEntries = 200;
  static mostCharacters = 200_000;

  constructor(key) {
    this.key = key;
    this.entries = recall("sessionStorage", key) ?? [];
  }

  add(entry) {
    this.entries.push(entry);
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

  keep() {
    remember("sessionStorage", this.key, this.kept, Conversation.fields);
  }

  clear() {
    this.entries = [];
    this.keep();
  }
}
