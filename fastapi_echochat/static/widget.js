// A button in the corner of a host's page that opens the chat in a frame. A classic script, since a
// module cannot tell where it was loaded from.
(() => {
  "use strict";

  const { src, dataset } = document.currentScript;
  const address = new URL(src);
  for (const own of ["asset", "v"]) address.searchParams.delete(own);
  const label = dataset.label || "Chat";
  const narrow = "(max-width: 30rem), (max-height: 26rem)";

  const css = `
    :host {
      --accent: var(--echochat-accent, #0b6e5f);
      --on-accent: var(--echochat-on-accent, #fff);
      --background: var(--echochat-background, #fff);
      --text: var(--echochat-text, #17211f);
      position: fixed;
      inset-block-end: max(1rem, env(safe-area-inset-bottom));
      inset-inline-end: max(1rem, env(safe-area-inset-right));
      z-index: 2147483647;
      font: 1rem/1.25 var(--echochat-font, system-ui, sans-serif);
      color-scheme: light dark;
    }
    @media (prefers-color-scheme: dark) {
      :host {
        --accent: var(--echochat-accent, #5cc9b5);
        --on-accent: var(--echochat-on-accent, #06231d);
        --background: var(--echochat-background, #121716);
        --text: var(--echochat-text, #e7edeb);
      }
    }
    @media print { :host { display: none; } }
    aside { display: flex; flex-wrap: wrap; justify-content: end; gap: .5rem; }
    button {
      font: inherit;
      min-height: 2.75rem;
      padding: .5rem 1.125rem;
      border: 1px solid transparent;
      border-radius: var(--echochat-radius, .75rem);
      background: var(--accent);
      color: var(--on-accent);
      cursor: pointer;
    }
    aside > button { box-shadow: 0 .125rem .5rem #0006; }
    button:focus-visible {
      outline: 3px solid var(--accent);
      outline-offset: 2px;
      box-shadow: 0 0 0 2px var(--background);
    }
    dialog {
      position: fixed;
      inset: auto;
      inset-block-end: 4.75rem;
      inset-inline-end: 1rem;
      flex-direction: column;
      box-sizing: border-box;
      width: 25rem;
      height: 40rem;
      max-width: calc(100vw - 2rem);
      max-height: calc(100vh - 5.75rem);
      margin: 0;
      padding: 0;
      overflow: hidden;
      border: 1px solid #8886;
      border-radius: var(--echochat-radius, .75rem);
      background: var(--background);
      color: var(--text);
      box-shadow: 0 .25rem 1.5rem #0006;
    }
    dialog[open] { display: flex; }
    header {
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 1rem;
      padding: .375rem .375rem .375rem .75rem;
      border-block-end: 1px solid #8886;
      font-weight: 600;
      overflow-wrap: anywhere;
    }
    header button {
      min-height: 2.25rem;
      padding: .25rem .75rem;
      border-color: currentcolor;
      background: none;
      color: inherit;
      font-weight: 400;
    }
    iframe { flex: 1; border: 0; min-height: 0; }
    @media ${narrow} {
      dialog {
        inset: 0;
        width: 100vw;
        height: 100vh;
        height: 100dvh;
        max-width: none;
        max-height: none;
        border: 0;
        border-radius: 0;
      }
    }`;

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.append(...children);
    return element;
  }

  // All widgets of a page stand side by side in one landmark.
  function findDock() {
    let host = document.querySelector("echochat-widget");
    if (!host) {
      host = make("echochat-widget");
      // Not a style element: a strict policy of the host's forbids it.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const root = host.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(make("aside", { "aria-label": label }));
      document.body.append(host);
    }
    return host.shadowRoot.firstElementChild;
  }

  // One tab's, as the conversation is. A browser may refuse it.
  const key = `echochat-widget:${address.pathname}${address.search}`;
  const remember = (isOpen) => {
    try {
      sessionStorage.setItem(key, isOpen ? "open" : "closed");
    } catch {}
  };
  const wasOpen = () => {
    try {
      return sessionStorage.getItem(key) === "open";
    } catch {
      return false;
    }
  };

  function start() {
    const dock = findDock();
    if ([...dock.children].some((child) => child.dataset.address === address.href)) return;
    const id = `chat-${dock.childElementCount}`;
    const opener = make(
      "button", { type: "button", "aria-expanded": false, "aria-controls": id }, label,
    );
    const closer = make("button", { type: "button" }, dataset.closeLabel || "Close");
    const panel = make(
      "dialog", { id, "aria-label": label, "data-address": address.href },
      make("header", {}, make("span", {}, label), closer),
    );
    let frame;

    const enter = () => {
      frame.focus();
      frame.contentDocument?.getElementById("echochat-field")?.focus();
    };

    const escape = (event) => {
      if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented) close();
    };

    function open() {
      for (const other of dock.querySelectorAll("dialog[open]")) other.close();
      if (!frame) {
        frame = make("iframe", { title: label, src: address.href, allow: "clipboard-write" });
        frame.addEventListener("load", () => {
          frame.contentDocument?.addEventListener("keydown", escape);
          if (panel.getRootNode().activeElement === frame) enter();
        });
        panel.append(frame);
      }
      // Over the whole window nothing else may be reached; elsewhere the page stays in use, and
      // `show()` would move the focus of somebody who has not asked for the chat.
      if (matchMedia(narrow).matches) panel.showModal();
      else panel.open = true;
      opener.setAttribute("aria-expanded", true);
      remember(true);
    }

    function close() {
      if (!panel.open) return;
      panel.close();
      opener.focus();
    }

    opener.addEventListener("click", () => {
      if (panel.open) return close();
      open();
      enter();
    });
    closer.addEventListener("click", close);
    for (const part of [opener, panel]) part.addEventListener("keydown", escape);
    panel.addEventListener("close", () => {
      opener.setAttribute("aria-expanded", false);
      remember(false);
    });

    dock.append(opener, panel);
    if (wasOpen()) open();
  }

  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
