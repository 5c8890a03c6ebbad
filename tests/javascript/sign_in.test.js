// The way to the host's sign-in and back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { signInFor } from "../../fastapi_echochat/static/sign_in.js";

const at = (address) => new URL(address);

test("the path and query of the page go along within its origin", () => {
  const page = at("https://a.example/shop/chat?room=1&b=2");
  const own = "https://a.example/shop/sign-in?next=%2Fshop%2Fchat%3Froom%3D1%26b%3D2";
  assert.equal(signInFor("https://a.example/shop/sign-in", page), own);
});

test("a query of the page's goes to no other origin", () => {
  const page = at("https://a.example/chat?token=secret");
  const away = "https://b.example/in?next=%2Fchat";
  assert.equal(signInFor("https://b.example/in", page), away);
});

test("a query of the sign-in's stays", () => {
  const link = "https://a.example/in?way=a%20b";
  assert.equal(signInFor(link, at("https://a.example/chat")), `${link}&next=%2Fchat`);
});

test("what is in next is never another host", () => {
  for (const path of ["//b.example/", "///b.example/", "/\\b.example/"]) {
    const link = signInFor("https://a.example/in", at(`https://a.example${path}`));
    const next = new URL(link).searchParams.get("next");
    assert.equal(new URL(next, "https://a.example").host, "a.example");
  }
});
