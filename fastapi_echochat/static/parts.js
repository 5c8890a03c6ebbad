// The parts of the page and its words.

import { fillLabel } from "./words.js";

export const main = document.getElementById("echochat");
export const lang = document.documentElement.lang;
export const title = document.title;
export const labels = JSON.parse(main.dataset.labels);
const parts = {};
// The frame of a widget has a button of its own in the corner.
if (self.name === "echochat-widget") main.dataset.widget = "";

// A part that a host's template leaves out has a stand-in, and what it would show goes nowhere.
export const part = (name) => parts[name] ??=
  document.getElementById(`echochat-${name}`) ?? document.createElement("button");

export const say = (label, values = {}) => fillLabel(labels[label], values).join("");

// What a screen reader says and nobody sees; more than this is read where it stands.
export function announce(text) {
  const said = text.slice(0, 5000);
  // Written again, it would be said again.
  if (part("spoken").textContent !== said) part("spoken").textContent = said;
}
