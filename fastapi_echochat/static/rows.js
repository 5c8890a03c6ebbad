// The buttons at answers, which the page asks for with the first.

import { focusField, submitText } from "./composer.js";
import { connection } from "./connection.js";
import { loadStyle, useControls } from "./lazy.js";
import { main } from "./parts.js";
import { transcript } from "./transcript.js";

const unshown = new Set();
let rows;
let page;

// Takes what differs between pages: `stop` ends the answer that is coming, `idOf(answer)` is what the
// server knows an answer by, `questionOf(answer)` the message before it, if that is one's own.
export function startRows(own) {
  page = { ...own, connection, transcript, submitText, focusField };
}

// Of an answer that has begun, or ended. It may find its place only after this.
export function showRow(entry) {
  unshown.add(entry);
  useControls(takeControls);
}

// Nobody sees buttons without their look, or presses them where they are not to stay.
async function takeControls({ Rows }) {
  const { buttonsStyle } = main.dataset;
  rows ??= new Rows(page);
  await (buttonsStyle && loadStyle(buttonsStyle));
  for (const entry of unshown) rows.show(entry);
  unshown.clear();
}

export const takeVerdict = (frame) => rows?.takeVerdict(frame);
export const clearRows = () => rows?.clear();
