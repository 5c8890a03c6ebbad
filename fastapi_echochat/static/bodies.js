// What a message shows: its text with links, or the Markdown in it. Either may grow.

import { makeAnchor } from "./anchors.js";
import { copyText } from "./clipboard.js";
import { loadScript } from "./lazy.js";
import { linkify, longestAddress } from "./links.js";
import { labels, main } from "./parts.js";

const markdownKinds = (main.dataset.markdown ?? "").split(" ");
// What renders, once it is here, and who waits for it.
let MarkdownView;
const waiting = new Set();

// Text nodes side by side: what is there already is not copied for each piece.
class TextBody {
  constructor() {
    this.element = document.createElement("p");
    this.element.dir = "auto";
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.words = this.word = "";
    this.isLong = false;
    this.shown = 0;
  }

  write(text) {
    this.words = text;
    this.show(linkify(text));
  }

  show(nodes) {
    for (const node of nodes) this.element.append(makeAnchor(node));
    return nodes.length;
  }

  // The last word may go on, and be a link then, or none any more.
  append(piece) {
    this.words += piece;
    for (; this.shown; this.shown -= 1) this.element.lastChild.remove();
    const [long, rest] = this.isLong ? splitFirstWord(piece) : ["", piece];
    const [before, word] = splitLastWord(this.word + rest);
    if (long) this.show([long]);
    this.show(linkify(before));
    this.isLong = (this.isLong && !rest) || word.length > longestAddress;
    this.word = this.isLong ? "" : word;
    if (!this.isLong) this.shown = this.show(linkify(word));
    else if (word) this.show([word]);
  }
}

const isSpace = (char) => /\s/.test(char);

function splitLastWord(text) {
  let end = text.length;
  while (end && !isSpace(text[end - 1])) end -= 1;
  return [text.slice(0, end), text.slice(end)];
}

function splitFirstWord(text) {
  let end = 0;
  while (end < text.length && !isSpace(text[end])) end += 1;
  return [text.slice(0, end), text.slice(end)];
}

// Until what renders it is here, and where it does not come, the text is shown as it is written.
class MarkdownBody {
  constructor() {
    this.element = document.createElement("div");
    this.element.className = "markdown";
    this.clear();
  }

  clear() {
    this.text = "";
    this.element.replaceChildren();
    if (MarkdownView) {
      this.view = new MarkdownView(this.element, addCopy);
    } else {
      this.view = new TextBody();
      this.element.append(this.view.element);
      waiting.add(this);
    }
  }

  get words() { return this.view.words; }

  write(text) { this.append(text); }

  append(piece) {
    this.text += piece;
    this.view.append(piece);
  }

  render() {
    const { text } = this;
    this.clear();
    this.append(text);
  }
}

function takeRenderer(script) {
  ({ MarkdownView } = script);
  for (const body of waiting) body.render();
  waiting.clear();
}

// One stop of the Tab key leads to all of these buttons: see the transcript.
function addCopy(box, code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.tabIndex = -1;
  button.textContent = labels.copy_code;
  button.addEventListener("click", () => {
    copyText(button, code.textContent, () => getSelection().selectAllChildren(code));
  });
  box.append(button);
}

// With one's own message the renderer is asked for, so that it is here when the answer comes.
export function makeBody(kind) {
  const isMarkdown = markdownKinds.includes(kind);
  if (isMarkdown || (kind === "mine" && markdownKinds.includes("answer"))) {
    loadScript(main.dataset.renderer, takeRenderer);
  }
  return isMarkdown ? new MarkdownBody() : new TextBody();
}
