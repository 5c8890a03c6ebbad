// The list of messages, which follows its end until somebody scrolls up.

import { makeBody } from "./bodies.js";
import { part } from "./parts.js";

class Transcript {
  static longText = 2000;
  // Lists of a hundred: what is new lays out the last of them, and not ten thousand messages.
  listLength = 100;
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
      this.followEnd();
      box.focus({ preventScroll: true });
    });
    box.addEventListener("keydown", (event) => this.goToNextCopy(event));
    this.sizes = new ResizeObserver(() => this.isFollowing && this.followEnd());
    this.sizes.observe(box);
    box.setAttribute("aria-live", "off");
  }

  // From here on a screen reader reads out what is new.
  readNews() { this.box.removeAttribute("aria-live"); }

  get isByReader() { return performance.now() - this.movedAt < Transcript.pause; }

  get list() {
    const list = this.box.lastElementChild;
    return list?.childElementCount < this.listLength ? list : this.newList();
  }

  newList(next = null) {
    const list = document.createElement("ol");
    this.box.insertBefore(list, next);
    this.sizes.observe(list);
    return list;
  }

  makeItem(kind, who, text) {
    const item = document.createElement("li");
    const name = document.createElement("b");
    item.body = makeBody(kind);
    item.className = kind;
    name.textContent = who;
    item.append(name, item.body.element);
    item.body.write(text);
    this.noteLength(item, text.length);
    return item;
  }

  noteLength(item, length) {
    if (length > Transcript.longText) item.classList.add("long");
  }

  appendText(item, text, length) {
    item.body.append(text);
    this.noteLength(item, length);
    this.noteGrowth();
  }

  // A screen reader would read a growing text from its beginning with each piece.
  hushItem(item) {
    item.setAttribute("aria-busy", "true");
    item.setAttribute("aria-live", "off");
  }

  unhushItem(item) {
    item.removeAttribute("aria-busy");
    item.removeAttribute("aria-live");
  }

  noteItem(item, text) {
    let note = item.querySelector("small");
    if (!text) return note?.remove();
    if (!note) item.body.element.after((note = document.createElement("small")));
    note.textContent = text;
    this.noteGrowth(false);
  }

  addButton(item, kind, text, press) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.textContent = text;
    button.addEventListener("click", () => press(button));
    item.append(button);
    this.noteGrowth(false);
    return button;
  }

  // A hundred answers are one stop of the Tab key, from which the arrows lead to the others.
  setTabStop(button) {
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
    this.setTabStop(next);
    next.focus();
  }

  clear() {
    this.box.replaceChildren();
    this.newest.hidden = this.isFollowing = true;
    this.stop = undefined;
  }

  noteGrowth(isNews = true) {
    if (this.isFollowing) this.followEnd();
    else if (isNews) this.newest.hidden = false;
  }

  // Once a frame at most; twice running, as items take their real height when they come in view.
  followEnd() {
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
      this.later = setTimeout(() => this.followEnd(), Transcript.pause);
      return;
    }
    this.box.scrollTop = this.box.scrollHeight;
    [this.top, this.height] = [this.box.scrollTop, this.box.scrollHeight];
  }
}

export const transcript = new Transcript(part("log"), part("newest"));
