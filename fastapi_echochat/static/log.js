// The list of messages, and an answer in it while it is written.

class Log {
  static long = 2000;
  // Lists of a hundred: what is new lays out the last of them, and not ten thousand messages.
  static listLength = 100;
  static pause = 250;

  constructor(box, newest) {
    this.box = box;
    this.newest = newest;
    this.isFollowing = true;
    this.top = 0;
    this.movedAt = -Infinity;
    box.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = box;
      const isUp = scrollTop < this.top;
      const isAtEnd = scrollHeight - scrollTop - clientHeight < 48;
      const isSameSize = scrollHeight === this.height && clientHeight === this.room;
      [this.top, this.height, this.room] = [scrollTop, scrollHeight, clientHeight];
      // One turn of a wheel is many small steps, the first of them near the end. Where sizes
      // changed and nobody touched anything, the end has gone away by itself.
      if (isAtEnd && !isUp) this.isFollowing = newest.hidden = true;
      else if (!isAtEnd && isUp && (isSameSize || this.isByReader)) this.isFollowing = false;
    });
    for (const event of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      box.addEventListener(event, () => { this.movedAt = performance.now(); }, { passive: true });
    }
    newest.addEventListener("click", () => {
      this.isFollowing = newest.hidden = true;
      this.movedAt = -Infinity;
      this.follow();
      box.focus({ preventScroll: true });
    });
    box.addEventListener("keydown", (event) => this.goToNextCopy(event));
    this.sizes = new ResizeObserver(() => this.isFollowing && this.follow());
    this.sizes.observe(box);
  }

  get isByReader() { return performance.now() - this.movedAt < Log.pause; }

  get list() {
    const list = this.box.lastElementChild;
    return list?.childElementCount < Log.listLength ? list : this.newList();
  }

  newList(next = null) {
    const list = document.createElement("ol");
    this.box.insertBefore(list, next);
    this.sizes.observe(list);
    return list;
  }

  make(kind, who, text) {
    const item = document.createElement("li");
    const name = document.createElement("b");
    const body = document.createElement("p");
    item.className = kind;
    name.textContent = who;
    body.dir = "auto";
    item.append(name, body);
    this.write(item, text, text.length);
    return item;
  }

  add(kind, who, text) {
    const item = this.make(kind, who, text);
    this.list.append(item);
    this.grew();
    return item;
  }

  // Text nodes side by side: what is there already is not copied for each piece.
  write(item, text, length) {
    item.querySelector("p").append(text);
    if (length > Log.long) item.classList.add("long");
  }

  append(item, text, length) {
    this.write(item, text, length);
    this.grew();
  }

  // What is being written would be read out piece by piece, each time from its beginning.
  hush(item) {
    item.setAttribute("aria-busy", "true");
    item.setAttribute("aria-live", "off");
  }

  unhush(item) {
    item.removeAttribute("aria-busy");
    item.removeAttribute("aria-live");
  }

  note(item, text) {
    let note = item.querySelector("small");
    if (!text) return note?.remove();
    if (!note) item.querySelector("p").after((note = document.createElement("small")));
    note.textContent = text;
    this.grew(false);
  }

  addButton(item, kind, text, press) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.textContent = text;
    button.addEventListener("click", () => press(button));
    item.append(button);
    this.grew(false);
    return button;
  }

  // A hundred answers are one stop of the Tab key, from which the arrows lead to the others.
  tabStop(button) {
    if (this.stop) this.stop.tabIndex = -1;
    this.stop = button;
    button.tabIndex = 0;
  }

  goToNextCopy(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.target.className !== "copy") return;
    event.preventDefault();
    const all = [...this.box.querySelectorAll(".copy")];
    const next = all[all.indexOf(event.target) + step];
    if (!next) return;
    this.tabStop(next);
    next.focus();
  }

  clear() {
    this.box.replaceChildren();
    this.newest.hidden = this.isFollowing = true;
    this.stop = undefined;
  }

  grew(isNews = true) {
    if (this.isFollowing) this.follow();
    else if (isNews) this.newest.hidden = false;
  }

  // Once a frame at most; twice running, as items take their real height when they come in view.
  follow() {
    if (this.isMoving) return;
    this.isMoving = true;
    requestAnimationFrame(() => {
      this.goToEnd();
      requestAnimationFrame(() => {
        this.goToEnd();
        this.isMoving = false;
      });
    });
  }

  goToEnd() {
    if (!this.isFollowing) return;
    if (this.isByReader) {
      // A move of the reader's own begins at the end: it is let get away from there.
      clearTimeout(this.later);
      this.later = setTimeout(() => this.follow(), Log.pause);
      return;
    }
    this.box.scrollTop = this.box.scrollHeight;
    [this.top, this.height] = [this.box.scrollTop, this.box.scrollHeight];
  }
}

// Pieces are shown in batches: the longer the text, the dearer its layout and the rarer they are.
class Draft {
  static charactersPerMillisecond = 500;
  static frame = 16;

  constructor(entry, show) {
    this.entry = entry;
    this.show = show;
    this.batch = "";
    this.isInterrupted = true;
  }

  add(piece) {
    this.batch += piece;
    const rest = this.entry.text.length / Draft.charactersPerMillisecond;
    this.timer ??= setTimeout(() => this.flush(), Math.max(Draft.frame, rest));
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.entry.text += this.batch;
    if (this.batch) this.show(this.batch);
    this.batch = "";
  }
}
