// The parts of the page and its words.

import { fillLabel } from "./words.js";

export const main = document.getElementById("echochat");
export const lang = document.documentElement.lang;
export const title = document.title;
export const labels = JSON.parse(main.dataset.labels);
const parts = {};

// A part that a host's template leaves out has a stand-in, and what it would show goes nowhere.
export const part = (name) => parts[name] ??=
  document.getElementById(`echochat-${name}`) ?? document.createElement("button");

export const say = (label, values = {}) => fillLabel(labels[label], values).join("");

// What a screen reader says and nobody sees; more than this is read where it stands.
export const announce = (text) => { part("spoken").textContent = text.slice(0, 5000); };

export function relabelButton(button, text, milliseconds, usual) {
  button.textContent = text;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = usual; }, milliseconds);
}
