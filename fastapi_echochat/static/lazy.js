// Scripts that the first view of a page does without.

// Asks for one. `take` gets its element, on which it has left what it has; `fail` is told where it
// cannot be had.
export function loadScript(address, take, fail) {
  const script = document.createElement("script");
  script.src = address;
  script.addEventListener("load", () => take(script));
  script.addEventListener("error", () => {
    script.remove();
    fail();
  });
  document.head.append(script);
}
