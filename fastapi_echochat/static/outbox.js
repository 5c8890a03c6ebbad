// Messages that have no answer yet.

export class Outbox {
  constructor() {
    this.messages = new Map();
    this.window = 1;
    this.underWay = 0;
  }

  add(message) { this.messages.set(message.id, message); }

  remove(message) {
    if (this.messages.delete(message.id) && message.sentAt) this.underWay -= 1;
  }

  // What waits for an answer of the author's is passed over.
  get current() {
    for (const message of this.messages.values()) if (!message.isHeld) return message.sentAt ? message : undefined;
    return undefined;
  }

  get hasUnsent() {
    for (const { sentAt } of this.messages.values()) if (!sentAt) return true;
    return false;
  }

  // What a server could not read is most likely the longest of what it has not begun to answer.
  get suspect() {
    const sent = [...this.messages.values()].filter(({ sentAt, firstAt }) => sentAt && !firstAt);
    return sent.sort((one, other) => other.text.length - one.text.length)[0];
  }

  clear() {
    this.messages.clear();
    this.underWay = 0;
  }

  // What was under way when a connection was lost is sent again, under the same id.
  rewind() {
    for (const message of this.messages.values()) message.sentAt = message.firstAt = 0;
    this.underWay = 0;
  }

  // Yields what may be sent at a time, in milliseconds.
  *takeDue(now) {
    for (const message of this.messages.values()) {
      if (this.underWay >= this.window) return;
      if (message.sentAt || message.isHeld) continue;
      message.sentAt = now;
      this.underWay += 1;
      yield message;
    }
  }
}
