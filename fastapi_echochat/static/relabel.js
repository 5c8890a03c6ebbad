// Gives a button other words for a time.
export function relabelButton(button, text, milliseconds, usual) {
  button.textContent = text;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = usual; }, milliseconds);
}
