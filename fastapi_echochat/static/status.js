// The state of the connection, as a person reads it.

import { isElsewhere, rendered } from "./address.js";
import { loadDeferred } from "./lazy.js";
import { letLeave } from "./leaving.js";
import { main, part, say } from "./parts.js";
import { signInFor } from "./sign_in.js";

const server = new URL(rendered);
const addresses = {
  page: location.host,
  server: server.host,
  origin: JSON.stringify(location.origin),
};

// Without `sign_in_url=` there is no link, and a stand-in has no address.
const signIn = part("sign-in");
const signInLink = signIn.href;
signIn.addEventListener("click", letLeave);

// The page that the person sees: of a widget the host's. Another origin's tells nothing.
function shownPage() {
  try {
    return new URL(self.top.location.href);
  } catch {
    return location;
  }
}

export function showState(state, why, mayRetry = false) {
  main.dataset.state = state;
  main.dataset.why = why;
  if (state === "open") loadDeferred();
  const text = say(why, addresses);
  if (part("state").textContent !== text) part("state").textContent = text;
  // While it is tried again, and the reason is still the last, the button stays where it is.
  if (state !== "connecting" || why === "connecting") part("retry").hidden = !mayRetry;
  signIn.hidden = why !== "signed_out";
  if (signInLink && !signIn.hidden) signIn.href = signInFor(signInLink, shownPage());
}

// Returns why a handshake failed.
export async function explainFailure() {
  // A sandboxed frame may not even ask.
  if (self.origin === "null") return "not_allowed_null";
  const own = location.href.replace(/#.*/, "");
  try {
    const response = await fetch(own, { method: "HEAD", redirect: "manual", cache: "no-store" });
    const { status, type } = response;
    if (type === "opaqueredirect" || status === 401 || status === 403) return "signed_out";
    if (status >= 500) return "unreachable";
  } catch {
    return "unreachable";
  }
  return server.hostname !== location.hostname && !isElsewhere ? "not_allowed" : "refused";
}

let paceTimer;

export function showPace(seconds) {
  clearTimeout(paceTimer);
  part("pace").textContent = seconds ? say("slowed", { seconds: Math.ceil(seconds) }) : "";
  if (seconds) paceTimer = setTimeout(showPace, seconds * 1000, 0);
}
