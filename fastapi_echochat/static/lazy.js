// Scripts and styles that the first view of a page does without.

import { main } from "./parts.js";

const loaded = new Set();
const styles = new Map();
const deferred = [];
const waiting = new Set();
let controls;

// Asks for one, unless it has, once there is a connection: who is signed out would get a page of the
// host's in its place. `take` gets what the script has left as `name` on its element. Where it
// cannot be had, it is loaded for again the next time.
export function loadScript(address, name, take) {
  if (loaded.has(address)) return;
  loaded.add(address);
  const load = () => {
    const script = document.createElement("script");
    const fail = () => {
      script.remove();
      loaded.delete(address);
    };
    script.src = address;
    script.addEventListener("load", () => (script[name] ? take(script[name]) : fail()));
    script.addEventListener("error", fail);
    document.head.append(script);
  };
  if (main.dataset.state === "open") load();
  else deferred.push(load);
}

export function loadDeferred() { for (const load of deferred.splice(0)) load(); }

// Before the host's, which may say otherwise. Resolves once it is here, or could not be had: then it
// is loaded for again, too.
export function loadStyle(address) {
  if (!styles.has(address)) styles.set(address, new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      styles.delete(address);
      resolve();
    });
    document.head.prepend(link);
  }));
  return styles.get(address);
}

// What a conversation needs and an empty page does not.
export function useControls(act) {
  if (controls) {
    act(controls);
    return;
  }
  waiting.add(act);
  loadScript(main.dataset.controls, "controls", (own) => {
    controls = own;
    for (const wait of waiting) wait(controls);
  });
}
