// What was said.

// Outlives a reload of the tab. An entry is a message, `mine`, or an `answer`; without an `end` it
// is under way: a message is then sent again after the reload, and its answer starts anew.
class Conversation {
  static kept = ["kind", "id", "text", "at", "end", "detail"];
  static mostEntries = 200;
  static mostCharacters = 200_000;

  entries = [];

  constructor(key) {
    this.key = `${key} 1`;
    const keep = () => this.keep();
    addEventListener("pagehide", keep);
    // Of a tab that a phone throws away in the background this is the last that is heard.
    document.addEventListener("visibilitychange", keep);
  }

  add(entry) {
    this.entries.push(entry);
    return entry;
  }

  // A frame in a sandbox is refused all storage, by an exception.
  restore() {
    try {
      for (const entry of JSON.parse(sessionStorage.getItem(this.key)) ?? []) this.add(entry);
    } catch { /* Nothing was kept, then. */ }
  }

  keep() {
    let entries = 0;
    let characters = 0;
    const isKept = ({ kind, text, end }) => {
      if (!end) return kind === "mine";
      entries += 1;
      characters += text.length;
      return entries <= Conversation.mostEntries && characters <= Conversation.mostCharacters;
    };
    const kept = this.entries.slice().reverse().filter(isKept).reverse();
    try {
      if (kept.length) sessionStorage.setItem(this.key, JSON.stringify(kept, Conversation.kept));
      else sessionStorage.removeItem(this.key);
    } catch { /* Refused, or full. */ }
  }

  clear() {
    this.entries = [];
    this.keep();
  }
}
