// Tables, as GitHub has them.

import { trimBlanks } from "./lines.js";

const border = /^\|?[\t\x20]*:?-+:?[\t\x20]*(?:\|[\t\x20]*:?-+:?[\t\x20]*)*\|?[\t\x20]*$/;

// A bar after a backslash is no border. No text has the character that stands for it meanwhile.
function splitRow(row) {
  const cells = trimBlanks(row).replaceAll("\\|", "\0").split("|");
  // Those before the first bar and after the last one.
  if (cells.length > 1 && !cells[0]) cells.shift();
  if (cells.length > 1 && !cells.at(-1)) cells.pop();
  return cells.map((cell) => trimBlanks(cell.replaceAll("\0", "|")));
}

function alignmentOf(cell) {
  const isRight = cell.endsWith(":");
  return cell.startsWith(":") ? (isRight ? "center" : "left") : isRight ? "right" : undefined;
}

// Rows are kept as their cells' texts: the cells that a row has too few are not made up, or a short
// text of many columns and rows would make a large table.
const makeRow = (texts, tag, aligns) => ({
  tag: "tr",
  children: aligns.slice(0, texts.length).map(
    (align, index) => ({ tag, align, text: texts[index] }),
  ),
});

// Returns a table that two lines begin, if they do.
export function startTable(head, line) {
  if (!head.includes("|") || !border.test(line)) return undefined;
  const aligns = splitRow(line).map(alignmentOf);
  const titles = splitRow(head);
  if (titles.length !== aligns.length) return undefined;
  const children = [{ tag: "thead", children: [makeRow(titles, "th", aligns)] }];
  return { tag: "table", aligns, children };
}

export function addRow({ aligns, children }, line) {
  if (children.length < 2) children.push({ tag: "tbody", children: [] });
  children[1].children.push(makeRow(splitRow(line), "td", aligns));
}
