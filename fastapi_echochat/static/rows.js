// The buttons under answers. What makes them is another script, which a page that has any asks for
// with the first answer.

import { focusField, submitText } from "./composer.js";
import { connection } from "./connection.js";
import { loadScript } from "./lazy.js";
import { main } from "./parts.js";
import { transcript } from "./transcript.js";

const wanted = main.dataset.buttons;
const unshown = new Set();
let rows;
let page;

// Takes what differs between pages: `stop` ends the answer that is coming, `idOf(answer)` is what the server knows an answer by,
// `questionOf(answer)` the message before it, if that is one's own.
export function startRows(own) {
  page = { ...own, connection, transcript, submitText, focusField };
}

// Of an answer that has begun, or ended. It may find its place only after this.
export function showRow(entry) {
  if (!wanted) return;
  unshown.add(entry);
  if (rows) Promise.resolve().then(showUnshown);
  else loadScript(main.dataset.buttonsScript, takeRows);
}

function takeRows({ Rows }) {
  rows = new Rows(page);
  showUnshown();
}

function showUnshown() {
  for (const entry of unshown) rows.show(entry);
  unshown.clear();
}

export const takeVerdict = (frame) => rows?.takeVerdict(frame);
export const clearRows = () => rows?.clear();
