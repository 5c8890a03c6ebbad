// A line of Markdown, from whose beginning things are taken.

const isBlank = (char) => char === " " || char === "\t";

export function trimBlanks(text) {
  let start = 0;
  let end = text.length;
  while (isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

export class Line {
  constructor(text) {
    this.text = text;
    this.column = 0;
    this.measure();
  }

  // A tab leads to the next column that is a multiple of four (CommonMark, section 2.2).
  measure() {
    this.indent = 0;
    let at = 0;
    for (; isBlank(this.text[at]); at += 1) {
      this.indent += this.text[at] === "\t" ? 4 - (this.column + this.indent) % 4 : 1;
    }
    this.rest = this.text.slice(at);
  }

  // Takes so many columns of indentation, or what there is; the rest of a tab is left as spaces.
  take(columns) {
    const all = Math.min(columns, this.indent);
    let taken = 0;
    let at = 0;
    for (; taken < all; at += 1) {
      taken += this.text[at] === "\t" ? 4 - (this.column + taken) % 4 : 1;
    }
    this.text = " ".repeat(taken - all) + this.text.slice(at);
    this.column += all;
    this.measure();
    return this;
  }

  // Takes the indentation and so many characters after it.
  skip(characters) {
    this.column += this.indent + characters;
    this.text = this.rest.slice(characters);
    this.measure();
    return this;
  }
}
