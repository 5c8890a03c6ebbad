// Before a tab is closed with which something unsent is lost, the browser asks.

function ask(event) {
  event.preventDefault();
  // What older browsers look at.
  event.returnValue = true;
}

// Listens while there is need only: some browsers give a page that does no quick way back.
export function guardLeaving({ hasUnsent }) {
  if (hasUnsent) addEventListener("beforeunload", ask);
  else letLeave();
}

// Where the page leads on in its own tab, nothing is lost.
export function letLeave() { removeEventListener("beforeunload", ask); }
