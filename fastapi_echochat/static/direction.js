// In which direction a block is written: that of its first letter, as the browser finds it for
// `dir=auto`. It would look for it again with each row that comes to a table.

const letter = /[\p{L}\u200e\u200f]/u;
// The blocks of scripts that are written from the right (UAX #9, "Bidirectional Class").
const fromTheRight = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export function directionOf(node) {
  if (typeof node === "string") {
    const [first] = letter.exec(node) ?? [];
    return first && (fromTheRight.test(first) ? "rtl" : "ltr");
  }
  for (const child of node.children ?? []) {
    const direction = directionOf(child);
    if (direction) return direction;
  }
  return undefined;
}
