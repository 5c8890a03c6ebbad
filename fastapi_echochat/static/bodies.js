// What a message shows: its text with links, or the Markdown in it. Either may grow.

import { loadScript, loadStyle } from "./lazy.js";
import { main } from "./parts.js";

const markdownKinds = (main.dataset.markdown ?? "").split(" ");
// What may hold an address, told without looking for one, and how long it is at most.
const hint = /:\/\/|www\.|@/i;
const longestHint = 4;
// What renders, by the kind of a body, once it is here, and who waits for it.
let views;
const unrendered = new Set();

function askForRenderer() {
  const { renderer, rendererStyle } = main.dataset;
  const styled = rendererStyle && loadStyle(rendererStyle);
  loadScript(renderer, "views", async (own) => {
    await styled;
    views = own;
    renderAll();
  });
}

function renderAll() {
  for (const body of unrendered) body.render();
  unrendered.clear();
}

// Until what renders it is here with its style, and where it does not come, the text is shown as it is written.
class Body {
  constructor(isMarkdown) {
    this.kind = isMarkdown ? "markdown" : "text";
    this.element = document.createElement(isMarkdown ? "div" : "p");
    if (isMarkdown) this.element.className = "markdown";
    else this.element.dir = "auto";
    this.clear();
  }

  clear() {
    this.text = "";
    this.view = undefined;
    this.element.replaceChildren();
  }

  // How much of it may be laid out again for each millisecond that has passed.
  get charactersPerMillisecond() { return this.kind === "markdown" ? 200 : 500; }
  get words() { return this.view?.words ?? this.text; }

  append(piece) {
    this.text += piece;
    if (this.view) {
      this.view.append(piece);
      return;
    }
    this.show(piece);
    const isMarkdown = this.kind === "markdown";
    if (!isMarkdown && !hint.test(this.text.slice(1 - piece.length - longestHint))) return;
    unrendered.add(this);
    if (views) renderAll();
    else askForRenderer();
  }

  show(piece) {
    if (this.kind === "text") {
      this.element.append(piece);
      return;
    }
    if (!this.element.firstChild) {
      this.element.append(document.createElement("p"));
      this.element.firstChild.dir = "auto";
    }
    this.element.firstChild.append(piece);
  }

  render() {
    this.element.replaceChildren();
    this.view = new views[this.kind](this.element);
    this.view.append(this.text);
  }
}

// With one's own message the renderer is asked for, so that it is here when the answer comes.
export function makeBody(kind) {
  if (kind === "mine" && markdownKinds.includes("answer")) askForRenderer();
  return new Body(markdownKinds.includes(kind));
}
