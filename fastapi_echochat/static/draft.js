// An answer while it is written.

// Pieces are shown in batches: the longer the text, the dearer its layout and the rarer they are.
export class Draft {
  static frame = 16;

  constructor(entry, show) {
    this.entry = entry;
    this.show = show;
    this.batch = "";
    this.isInterrupted = true;
  }

  add(piece) {
    this.batch += piece;
    const rest = this.entry.text.length / this.entry.item.body.charactersPerMillisecond;
    this.timer ??= setTimeout(() => this.flush(), Math.max(Draft.frame, rest));
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.entry.text += this.batch;
    if (this.batch) this.show(this.batch);
    this.batch = "";
  }

  // Goes on with all there is so far, which mostly begins with the text that is here. Returns
  // whether that text is void.
  resume(text) {
    this.flush();
    const isVoid = !text.startsWith(this.entry.text);
    if (isVoid) this.entry.text = "";
    this.add(text.slice(this.entry.text.length));
    return isVoid;
  }
}
