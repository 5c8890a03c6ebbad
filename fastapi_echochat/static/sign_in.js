// The address of the host's sign-in, with the path to come back to.

// The query goes along where it does not leave the page's own origin: it may hold a token.
export function signInFor(link, page) {
  const url = new URL(link, page.href);
  // A path of two slashes would be another host.
  const path = page.pathname.replace(/^\/+/, "/");
  const next = url.origin === page.origin ? path + page.search : path;
  url.search += `${url.search ? "&" : "?"}next=${encodeURIComponent(next)}`;
  return url.href;
}
