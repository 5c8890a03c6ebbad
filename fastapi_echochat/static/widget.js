// A button in the corner of a host's page that opens the chat in a frame. A classic script as it is
// served, since a module cannot tell where it was loaded from.

import { keyFor, recall, remember } from "./storage.js";
import { narrow, widgetStyle } from "./widget_style.js";

const script = document.currentScript;
const dataset = script.dataset;
const address = new URL(script.src);
for (const own of ["asset", "v"]) address.searchParams.delete(own);
const label = dataset.label || "Chat";

function makeElement(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

// All widgets of a page stand side by side in one landmark.
function findDock() {
  let host = document.querySelector("echochat-widget");
  if (!host) {
    host = makeElement("echochat-widget");
    // Not a style element: a strict policy of the host's forbids it.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(widgetStyle);
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(makeElement("aside", { "aria-label": label }));
    document.body.append(host);
  }
  return host.shadowRoot.firstElementChild;
}

// One tab's, as the conversation is.
const key = keyFor("widget", address);

function addWidget() {
  const dock = findDock();
  if ([...dock.children].some((child) => child.dataset.address === address.href)) return;
  const id = `chat-${dock.childElementCount}`;
  const opener = makeElement(
    "button", { type: "button", "aria-expanded": false, "aria-controls": id }, label,
  );
  const closeLabel = dataset.closeLabel || "Close";
  const closer = makeElement(
    "button", { type: "button", "aria-label": closeLabel, title: closeLabel }, "✕",
  );
  const panel = makeElement(
    "dialog", { id, "aria-label": label, "data-address": address.href },
    closer,
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
      frame = makeElement("iframe", {
        title: label, src: address.href, allow: "clipboard-write", name: "echochat-widget",
      });
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
    remember("sessionStorage", key, true);
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
    remember("sessionStorage", key, false);
  });

  dock.append(opener, panel);
  if (recall("sessionStorage", key)) open();
}

if (document.body) addWidget();
else addEventListener("DOMContentLoaded", addWidget);
