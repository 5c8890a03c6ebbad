import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { replaceElements } from "../../fastapi_echochat/static/elements.js";
import { MarkdownTree } from "../../fastapi_echochat/static/tree.js";
import { document } from "./dom.js";

globalThis.document = document;

const examples = readFileSync(new URL("../markdown/examples.txt", import.meta.url), "utf-8")
  .split("\n").filter((line) => line.startsWith("\"")).map((line) => JSON.parse(line));

function show(pieces) {
  const tree = new MarkdownTree();
  const box = document.createElement("div");
  for (const piece of pieces) {
    const { from, old } = tree.append(piece);
    replaceElements(box, old, tree.nodes.slice(from), from);
  }
  return box;
}

test("elements of a text that comes by the character are those of the whole", () => {
  assert.ok(examples.length > 600);
  for (const text of [...examples, examples.join("\n\n")]) {
    assert.equal(show(text.match(/[^]{1,3}/gu) ?? []).markup, show([text]).markup, text);
  }
});

test("what is the same stays", () => {
  const tree = new MarkdownTree();
  const box = document.createElement("div");
  const add = (piece) => {
    const { from, old } = tree.append(piece);
    replaceElements(box, old, tree.nodes.slice(from), from);
  };
  add("# a\n\n- b\n- `c`");
  const [heading, list] = box.childNodes;
  const [first, second] = list.childNodes;
  const [code] = second.childNodes;
  add(" d\n- e\n\nf");

  assert.equal(box.childNodes[0], heading);
  assert.equal(box.childNodes[1], list);
  assert.deepEqual(list.childNodes.slice(0, 2), [first, second]);
  assert.equal(second.childNodes[0], code);
  assert.equal(box.markup, "<div><h2 className=\"h1\">a</h2><ul><li>b</li><li><code>c</code> d</li>"
    + "<li>e</li></ul><p>f</p></div>");
});

test("where a browser has translated a text it is made again", () => {
  const tree = new MarkdownTree();
  const box = document.createElement("div");
  tree.append("one");
  replaceElements(box, [], tree.nodes);
  const [paragraph] = box.childNodes;
  paragraph.childNodes = [Object.assign(document.createElement("font"), { parent: paragraph })];
  const { old } = tree.append(" two");
  replaceElements(box, old, tree.nodes);

  assert.equal(box.markup, "<div><p>one two</p></div>");
});

test("links open in a new tab, and tell nobody where they were", () => {
  const tree = new MarkdownTree();
  const box = document.createElement("div");
  tree.append("![a](https://example.org 't')");
  replaceElements(box, [], tree.nodes);
  const { href, title, target, rel } = box.querySelector("a");

  assert.deepEqual([href, title, target, rel], [
    "https://example.org", "t", "_blank", "noopener noreferrer nofollow",
  ]);
});

test("blocks of code are told of, with the box around them", () => {
  const told = [];
  const tree = new MarkdownTree();
  const box = document.createElement("div");
  tree.append("```py\na\n```\n> ```\n> b\n> ```");
  const noteCode = (around, code) => told.push([around.className, code.markup]);
  replaceElements(box, [], tree.nodes, 0, noteCode);

  assert.deepEqual(told, [
    ["code", "<code className=\"language-py\">a\n</code>"],
    ["code", "<code>b\n</code>"],
  ]);
});
