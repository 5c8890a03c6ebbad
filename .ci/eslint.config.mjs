// ESLint's recommended rules for the page's JavaScript and its tests. The browser's names are
// listed, so that a name which a module does not import is an error.
import js from "@eslint/js";

const browser = [
  "Blob", "BroadcastChannel", "CSS", "CSSStyleSheet", "CustomEvent", "Event", "IntersectionObserver", "Intl",
  "MutationObserver", "ResizeObserver", "TextEncoder", "URL", "WebSocket", "addEventListener",
  "btoa", "clearTimeout", "crypto", "document", "fetch", "frameElement", "getComputedStyle",
  "getSelection", "location", "matchMedia", "navigator", "performance", "removeEventListener",
  "requestAnimationFrame", "self", "setInterval", "setTimeout", "window",
];

export default [
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) } },
];
