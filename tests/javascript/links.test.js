import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed, linkify, longestAddress } from "../../fastapi_echochat/static/links.js";

// The links of a text, each in angle brackets with where it leads if that is another address.
const mark = (text) => linkify(text).map((node) =>
  (typeof node === "string" ? node
    : node.children[0] === node.href ? `<${node.href}>`
    : `<${node.children[0]}|${node.href}>`)).join("");

const unchanged = (text) => assert.equal(mark(text), text);

test("an address is a link, and the text around it stays as it is", () => {
  assert.equal(mark("see https://example.org/a?b=c#d now"), "see <https://example.org/a?b=c#d> now");
  assert.equal(mark("HTTP://EXAMPLE.ORG"), "<HTTP://EXAMPLE.ORG>");
  assert.equal(mark("a\n https://a.example  \thttp://b.example\n"), "a\n <https://a.example>  \t<http://b.example>\n");
});

test("an address without its scheme begins with www., and a mail address needs none", () => {
  assert.equal(mark("www.example.org/a"), "<www.example.org/a|http://www.example.org/a>");
  assert.equal(mark("mail a.b+c@example.org."), "mail <a.b+c@example.org|mailto:a.b+c@example.org>.");
});

test("punctuation after an address belongs to the sentence", () => {
  for (const sign of [".", ",", "!", "?", ":", ";", "'", "…", "...", "**", "?!", ")", "]", ")."]) {
    assert.equal(mark(`https://example.org/a${sign}`), `<https://example.org/a>${sign}`);
  }
  assert.equal(mark("\"https://example.org\""), "\"<https://example.org>\"");
  assert.equal(mark("https://example.org/a/"), "<https://example.org/a/>");
  assert.equal(mark("https://example.org/?a="), "<https://example.org/?a=>");
  assert.equal(mark("https://example.org/a-"), "<https://example.org/a->");
});

test("brackets in an address belong to it as far as they are balanced", () => {
  assert.equal(mark("(https://example.org/a_(b))"), "(<https://example.org/a_(b)>)");
  assert.equal(mark("https://example.org/a_(b)"), "<https://example.org/a_(b)>");
  assert.equal(mark("[https://example.org/a[1]]"), "[<https://example.org/a[1]>]");
  assert.equal(mark("(see https://example.org/a)."), "(see <https://example.org/a>).");
  assert.equal(mark("(https://example.org)and"), "(<https://example.org>)and");
  assert.equal(mark("https://example.org/(a"), "<https://example.org/(a>");
  assert.equal(mark("https://example.org/("), "<https://example.org/>(");
});

test("an address may be in any script, and Chinese punctuation ends it", () => {
  assert.equal(mark("https://de.example/Köln"), "<https://de.example/Köln>");
  assert.equal(mark("https://例子.example/路径"), "<https://例子.example/路径>");
  assert.equal(mark("请看https://example.org。谢谢"), "请看<https://example.org>。谢谢");
  assert.equal(mark("（https://example.org）"), "（<https://example.org>）");
  assert.equal(mark("«https://example.org»"), "«<https://example.org>»");
  assert.equal(mark("https://example.org/😀"), "<https://example.org/😀>");
});

test("what turns writing round ends an address", () => {
  assert.equal(mark("https://example.org/\u202egpj"), "<https://example.org/>\u202egpj");
});

test("what is no address stays text", () => {
  unchanged("https://");
  unchanged("https://.");
  unchanged("https:///a");
  unchanged("javascript:alert(1) data:text/html,x ftp://example.org file:///etc");
  unchanged("example.org");
  unchanged("@example a@b @ a@.b");
  unchanged("xhttps://example.org");
  unchanged("");
  unchanged("<a href='x'>");
});

test("a word that is too long for an address is none", () => {
  const long = `https://example.org/${"a".repeat(longestAddress)}`;

  unchanged(long);
  assert.equal(mark(`${long} https://example.org`), `${long} <https://example.org>`);
});

test("no two texts stand side by side, and none is empty", () => {
  for (const text of ["a b c", "https://example.org", " x@ https://example.org a@b.cd. @", "@ @"]) {
    const nodes = linkify(text);

    assert.ok(nodes.every((node) => node !== ""));
    assert.ok(nodes.every((node, index) => typeof node !== "string" || typeof nodes[index + 1] !== "string"));
    assert.equal(nodes.map((node) => node.children?.[0] ?? node).join(""), text);
  }
});

test("only pages and mail may be links", () => {
  for (const href of ["https://a", "HTTP://a", "mailto:a@b"]) assert.ok(isAllowed(href));
  for (const href of [
    "", "a", "/a", "#a", "//a", "https:a", "javascript:a", " javascript:a", "data:a", "vbscript:a",
    "file:///a", "java\nscript:a", "https://a\nb", `https://${"a".repeat(longestAddress)}`,
  ]) assert.ok(!isAllowed(href), href);
});
