// As much of a document as elements are made of, for tests without a browser.

class Piece {
  remove() { this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1); }
}

class Text extends Piece {
  nodeType = 3;

  constructor(data) {
    super();
    this.data = data;
  }

  appendData(more) { this.data += more; }

  get markup() { return this.data.replaceAll("&", "&amp;").replaceAll("<", "&lt;"); }
}

class Element extends Piece {
  nodeType = 1;
  childNodes = [];
  style = {};

  constructor(tag) {
    super();
    this.tag = tag;
  }

  get firstChild() { return this.childNodes[0]; }
  get lastChild() { return this.childNodes.at(-1); }

  append(child) {
    child.parent = this;
    this.childNodes.push(child);
  }

  querySelector(tag) {
    for (const child of this.childNodes) {
      const found = child.tag === tag ? child : child.querySelector?.(tag);
      if (found) return found;
    }
    return null;
  }

  get markup() {
    const { tag, childNodes, style, href, title, start, className } = this;
    const shown = Object.entries({ href, title, start, className, style: style.textAlign });
    const attributes = shown.map(([name, value]) => (value ? ` ${name}="${value}"` : "")).join("");
    return `<${tag}${attributes}>${childNodes.map((child) => child.markup).join("")}</${tag}>`;
  }
}

export const document = {
  createElement: (tag) => new Element(tag),
  createTextNode: (data) => new Text(data),
};
