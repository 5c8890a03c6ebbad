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

  get current() {
    const [first] = this.messages.values();
    return first?.sentAt ? first : undefined;
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
      if (message.sentAt) continue;
      message.sentAt = now;
      this.underWay += 1;
      yield message;
    }
  }
}
