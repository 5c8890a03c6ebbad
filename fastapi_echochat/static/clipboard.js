// Copying a text.

import { labels } from "./parts.js";
import { relabelButton } from "./relabel.js";

export async function copyText(button, text, selectText) {
  const copyAsText = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", copyAsText);
  selectText();
  // The old way first: the new one is missing over plain HTTP, and in a frame it complains.
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", copyAsText);
  if (!isCopied) await navigator.clipboard?.writeText(text);
  relabelButton(button, labels.copied, 2000);
}
