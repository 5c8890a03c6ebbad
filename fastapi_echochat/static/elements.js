// Trees of nodes as elements of the page: made of elements and texts, never of markup.

import { fillAnchor } from "./anchors.js";

const attributes = ["href", "title", "start", "language", "align", "level"];
const isText = (node) => typeof node === "string";

const isAlike = (one, other) => !isText(one) && !isText(other) && one.tag === other.tag
  && attributes.every((name) => one[name] === other[name]);

const isSame = (one, other) => one === other || (isAlike(one, other) && hasSame(one, other));

const hasSame = ({ children: some = [] }, { children: others = [] }) => some === others
  || (some.length === others.length && some.every((child, index) => isSame(child, others[index])));

function newElement(tag, className = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}

// Code and tables scroll by themselves, which takes a box that the keyboard reaches.
function makeBox(tag, className, inner) {
  const box = newElement(tag, className);
  box.tabIndex = 0;
  box.append(inner);
  return box;
}

function makeCode(code, language, noteCode) {
  if (language) code.className = `language-${language}`;
  const box = newElement("div", "code");
  box.append(makeBox("pre", "", code));
  noteCode?.(box, code);
  return box;
}

export function makeElement(node, noteCode) {
  if (isText(node)) return document.createTextNode(node);
  const { tag, level, href, start, align, children = [] } = node;
  const element = level ? newElement(`h${level}`, tag) : newElement(tag === "pre" ? "code" : tag);
  if (start !== undefined) element.start = start;
  if (align) element.style.textAlign = align;
  if (href) fillAnchor(element, node);
  for (const child of children) element.append(makeElement(child, noteCode));
  return tag === "pre" ? makeCode(element, node.language, noteCode)
    : tag === "table" ? makeBox("div", "table", element)
    : element;
}

// What the children of a node are in, within its element.
const innerOf = (element, { tag }) =>
  (tag === "pre" ? element.querySelector("code") : tag === "table" ? element.firstChild : element);

// Makes the elements in a parent, from an index on, those of other nodes. What is the same stays.
export function replaceElements(parent, old, now, from = 0, noteCode = undefined) {
  let index = 0;
  while (index < old.length && index < now.length && isSame(old[index], now[index])) index += 1;
  const [one, other] = [old[index], now[index]];
  if (one !== undefined && other !== undefined) {
    const child = parent.childNodes[from + index];
    // A browser that translates the page puts elements in the place of texts.
    if (isText(one) && isText(other) && child.nodeType === 3) {
      // What is selected of a text stays so while the text only grows.
      if (other.startsWith(one)) child.appendData(other.slice(one.length));
      else child.data = other;
      index += 1;
    } else if (isAlike(one, other)) {
      replaceElements(innerOf(child, one), one.children, other.children, 0, noteCode);
      index += 1;
    }
  }
  for (let left = old.length - index; left > 0; left -= 1) parent.lastChild.remove();
  for (; index < now.length; index += 1) parent.append(makeElement(now[index], noteCode));
}
