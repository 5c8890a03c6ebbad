// A button in the corner of a host's page that opens the chat in a frame. A classic script as it is
// served, since a module cannot tell where it was loaded from.

import { keyFor, recall, remember } from "./storage.js";
import { narrow, properties, widgetStyle } from "./widget_style.js";

const root = document.documentElement;
const script = document.currentScript;
const dataset = script.dataset;
const label = dataset.label || "Chat";
const closeLabel = dataset.closeLabel || "Close";
const refusedLabel = dataset.refusedLabel || "Open the chat in a tab of its own";
const address = new URL(script.src);
for (const own of ["asset", "v"]) address.searchParams.delete(own);

function makeElement(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

// All widgets of a page stand side by side in one landmark. Beside the body, which some libraries
// replace at each visit: so a conversation goes on, and its frame is not loaded again.
function findDock() {
  let host = document.querySelector("echochat-widget");
  if (!host) {
    host = makeElement("echochat-widget");
    // Not a style element: a strict policy of the host's forbids it.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(widgetStyle);
    const shadow = host.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(makeElement("aside", { "aria-label": label }));
    root.append(host);
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
  const closer = makeElement(
    "button", { type: "button", "aria-label": closeLabel, title: closeLabel }, "✕",
  );
  const panel = makeElement(
    "dialog", { id, "aria-label": label, "data-address": address.href },
    closer,
  );
  let frame;
  let unread = 0;
  let mark = "";

  const enter = () => {
    frame.focus();
    frame.contentDocument?.getElementById("echochat-field")?.focus();
  };

  const escape = (event) => {
    if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented) close();
  };

  function showUnread() {
    const count = panel.open ? 0 : unread;
    opener.textContent = count ? `${label} (${count})` : label;
    const bare = document.title.startsWith(mark) ? document.title.slice(mark.length) : document.title;
    mark = count ? `(${count}) ` : "";
    document.title = mark + bare;
  }

  // The page in the frame looks like its host, and knows whether anybody sees it.
  function dress() {
    const framed = frame?.contentDocument;
    if (!framed) return;
    const style = getComputedStyle(dock);
    for (const name of properties) {
      framed.documentElement.style.setProperty(name, style.getPropertyValue(name));
    }
    framed.documentElement.dataset.widget = panel.open ? "open" : "closed";
    framed.dispatchEvent(new Event("echochat:widget"));
  }

  function makeFrame() {
    frame = makeElement(
      "iframe", { title: label, allow: "clipboard-write", name: "echochat-widget" },
    );
    frame.addEventListener("load", () => {
      dress();
      frame.contentDocument?.addEventListener("keydown", escape);
      if (panel.getRootNode().activeElement === frame) enter();
    });
    frame.addEventListener("echochat:unread", ({ detail }) => {
      unread = detail;
      showUnread();
    });
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      if (effectiveDirective !== "frame-src" || !address.href.startsWith(blockedURI)) return;
      frame.hidden = true;
      panel.append(makeElement("a", { href: address, target: "_blank" }, refusedLabel));
    });
    for (const part of [root, document.body]) {
      new MutationObserver(dress).observe(part, { attributeFilter: ["class", "style", "data-theme"] });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
    panel.append(frame);
    frame.src = address;
  }

  function open() {
    for (const other of dock.querySelectorAll("dialog[open]")) other.close();
    if (!frame) makeFrame();
    // Over the whole window nothing else may be reached; elsewhere the page stays in use, and
    // `show()` would move the focus of somebody who has not asked for the chat.
    if (matchMedia(narrow).matches) panel.showModal();
    else panel.open = true;
    noteChange(true);
  }

  function close() {
    if (!panel.open) return;
    panel.close();
    opener.focus();
  }

  function noteChange(isOpen) {
    opener.setAttribute("aria-expanded", isOpen);
    remember("sessionStorage", key, isOpen);
    dress();
    showUnread();
  }

  function enterOpen() {
    if (!panel.open) open();
    enter();
  }

  // Which of several chats a link of the host's means; where it does not say, the first.
  const isMeant = (place) => (place
    ? new URL(place, document.baseURI).pathname === address.pathname
    : dock.firstElementChild === opener);

  opener.addEventListener("click", () => (panel.open ? close() : enterOpen()));
  closer.addEventListener("click", close);
  for (const part of [opener, panel]) part.addEventListener("keydown", escape);
  panel.addEventListener("close", () => noteChange(false));
  document.addEventListener("echochat:open", ({ detail }) => { if (isMeant(detail)) enterOpen(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-echochat-open]");
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented;
    if (!link || isElsewhere || !isMeant(link.getAttribute("href"))) return;
    event.preventDefault();
    enterOpen();
  });

  dock.append(opener, panel);
  if (recall("sessionStorage", key)) open();
}

if (document.body) addWidget();
else addEventListener("DOMContentLoaded", addWidget);
