// Texts and links as parts of the page.

export function fillAnchor(anchor, { href, title }) {
  anchor.href = href;
  if (title) anchor.title = title;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
}

// Returns a text, or a link around one, as it is shown.
export function makeAnchor(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const anchor = document.createElement("a");
  fillAnchor(anchor, node);
  anchor.append(node.children[0]);
  return anchor;
}
