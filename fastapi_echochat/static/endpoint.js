// Where the endpoint is.

// The server tells its own view of the address. What a proxy hid from it (scheme, host, port, a
// prefix) shows in the page's own address, and the endpoint is beside the page.
export function endpointFor(page, rendered, isElsewhere) {
  if (isElsewhere || !/^https?:$/.test(page.protocol)) return rendered;
  const url = new URL(rendered);
  url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  url.host = page.hostname;
  url.port = page.port;
  url.pathname = page.pathname.replace(/\/?$/, url.pathname.slice(url.pathname.lastIndexOf("/")));
  return url.href;
}
