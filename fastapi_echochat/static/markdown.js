// What a page asks for once it has something to render as Markdown: another script, since the first
// view does without.

import { copyText } from "./clipboard.js";
import { directionOf } from "./direction.js";
import { replaceElements } from "./elements.js";
import { wordsOf } from "./inlines.js";
import { LinkedText } from "./linked_text.js";
import { labels } from "./parts.js";
import { MarkdownTree } from "./tree.js";

// One stop of the Tab key leads to all of these buttons: see the buttons under answers.
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

class MarkdownView {
  constructor(element) {
    this.element = element;
    this.tree = new MarkdownTree();
  }

  get words() { return wordsOf(this.tree.nodes).trim(); }

  append(piece) {
    const { from, old } = this.tree.append(piece);
    const now = this.tree.nodes.slice(from);
    replaceElements(this.element, old, now, from, addCopy);
    // A list or a table has one direction, that of its first words; code is written from the left.
    now.forEach((node, index) => {
      const direction = (node.tag !== "pre" && directionOf(node)) || "ltr";
      const block = this.element.childNodes[from + index];
      if (block.dir !== direction) block.dir = direction;
    });
  }
}

document.currentScript.views = { markdown: MarkdownView, text: LinkedText };
