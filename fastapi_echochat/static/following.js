// Where the list of messages stands while it grows.

// What is hidden below is worth a button.
const worthwhile = 48;

// The list shows its end, until the question that is being answered has come to the top: then the
// answer's beginning stays in view. Takes how far the list can be scrolled, and where the question
// would be at the top, in pixels; returns where the list stands, and whether it is held there.
export function placeFor(end, question = Infinity) {
  return { top: Math.min(end, Math.max(question, 0)), isHeld: end - question > worthwhile };
}

// What a scroll of the reader's means: `follow` the end from here on, `stay` here, or nothing.
export function meaningOf({ isUp, isHeld, rest, isDeliberate }) {
  if (rest < worthwhile) return isUp ? "" : "follow";
  return (isUp || isHeld) && isDeliberate ? "stay" : "";
}
