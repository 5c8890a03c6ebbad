// What stands between messages in the list: where something is missing, days, where news begin.

// In their order before an entry.
export const marks = ["seam", "day", "fresh"];

// Puts a mark before an entry, or takes it away.
export function markEntry(entry, name, mark) {
  entry[name]?.remove();
  entry[name] = mark;
  if (!mark) return;
  const later = marks.slice(marks.indexOf(name) + 1);
  mark.className = `mark ${name}`;
  later.map((other) => entry[other]).concat(entry.item).find(Boolean).before(mark);
}

export function newMark(text) {
  const mark = document.createElement("li");
  mark.textContent = text;
  return mark;
}
