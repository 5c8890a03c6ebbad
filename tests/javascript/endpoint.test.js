import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointFor } from "../../fastapi_echochat/static/endpoint.js";

const behind = (page, rendered, isElsewhere = false) =>
  endpointFor(new URL(page), rendered, isElsewhere);

test("the endpoint is beside the page, at the page's own host", () => {
  assert.equal(behind("http://a.example/chat", "ws://a.example/chat/ws"), "ws://a.example/chat/ws");
});

test("scheme, host, port and prefix that a proxy hid are those of the page's address", () => {
  assert.equal(
    behind("https://shop.example:8443/help/chat", "ws://10.0.0.7:8000/chat/ws"),
    "wss://shop.example:8443/help/chat/ws",
  );
});

test("a trailing slash of the page makes no second one in the endpoint", () => {
  assert.equal(behind("https://a.example/chat/", "ws://b/chat/ws"), "wss://a.example/chat/ws");
});

test("the query of the endpoint stays, and the page's own adds nothing", () => {
  assert.equal(
    behind("https://a.example/chat?x=1#top", "ws://b/chat/ws?token=a%26b"),
    "wss://a.example/chat/ws?token=a%26b",
  );
});

test("the port of the rendered address goes where the page has none", () => {
  assert.equal(behind("https://a.example/chat", "ws://b:8000/chat/ws"), "wss://a.example/chat/ws");
});

test("an endpoint that is elsewhere is used as it is", () => {
  const rendered = "wss://chat.example/ws?room=1";
  assert.equal(behind("https://a.example/chat", rendered, true), rendered);
});

test("a page that has no web address of its own uses the endpoint as it is", () => {
  assert.equal(behind("about:srcdoc", "ws://a.example/chat/ws"), "ws://a.example/chat/ws");
});
