// Scripts that the first view of a page does without.

const loaded = new Set();

// Asks for one, unless it has. `take` gets its element, on which it has left what it has. Where it
// cannot be had, it is loaded for again the next time.
export function loadScript(address, take) {
  if (loaded.has(address)) return;
  loaded.add(address);
  const script = document.createElement("script");
  script.src = address;
  script.addEventListener("load", () => take(script));
  script.addEventListener("error", () => {
    script.remove();
    loaded.delete(address);
  });
  document.head.append(script);
}
