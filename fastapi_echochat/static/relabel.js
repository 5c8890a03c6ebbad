// Other words on a button for a time.

export function relabelButton(button, text, milliseconds) {
  button.usual ??= [...button.childNodes];
  button.textContent = text;
  clearTimeout(button.timer);
  button.timer = setTimeout(restoreButton, milliseconds, button);
}

// Gives it back what stood on it, a host's own picture too.
export function restoreButton(button) {
  clearTimeout(button.timer);
  if (button.usual) button.replaceChildren(...button.usual);
  button.usual = undefined;
}
