import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsOf } from "../../fastapi_echochat/static/inlines.js";
import { MarkdownTree } from "../../fastapi_echochat/static/tree.js";

function treeOf(...pieces) {
  const tree = new MarkdownTree();
  for (const piece of pieces) tree.append(piece);
  return tree;
}

test("blocks before the last one stay the same objects while the text grows", () => {
  const tree = treeOf("# a\n\nb\n\n- c\n");
  const [heading, paragraph, list] = tree.nodes;
  const { from, old } = tree.append("d");

  assert.equal(tree.nodes[0], heading);
  assert.equal(tree.nodes[1], paragraph);
  assert.equal(from, 2);
  assert.deepEqual(old, [list]);
});

test("what is in the last block and has not changed is not read again", () => {
  const tree = treeOf("- *a*\n- b");
  const [list] = tree.nodes;
  tree.append("c");

  assert.equal(tree.nodes[0].children[0].children[0], list.children[0].children[0]);
});

test("the rows of a table that grows are read once", () => {
  const head = "| a | b |\n| - | - |\n";
  const rows = "| c | *d* |\n".repeat(1000);
  const tree = treeOf("x\n\n", head, rows, "| e");
  const [, { children: [, { children: before }] }] = tree.nodes;
  tree.append(" | f |\n");
  const [, { children: [, { children: after }] }] = tree.nodes;

  assert.equal(after.length, 1001);
  assert.ok(before.slice(0, 1000).every((row, index) => row === after[index]));
  assert.ok(tree.rest.length < 100);
  for (const end of ["\n\n| g |", "- h", "> i", "[a]: j\n\n", "\n[a]: j\n\n[a]"]) {
    const pieces = treeOf("x\n\n", head, ..."| [a] |\n| b |\n", ...end);
    assert.deepEqual(pieces.nodes, treeOf(`x\n\n${head}| [a] |\n| b |\n${end}`).nodes, end);
  }
});

test("a line that is not whole settles nothing", () => {
  const tree = treeOf("a\n#");
  assert.deepEqual(tree.nodes.map(({ tag }) => tag), ["p", "h1"]);
  tree.append("b");

  assert.deepEqual(tree.nodes, [{ tag: "p", children: ["a\n#b"] }]);
});

test("a definition that comes last makes links of what was settled", () => {
  const tree = treeOf("[a]\n\nb\n\n");
  const { from, old } = tree.append("[a]: https://example.org");

  assert.equal(from, 0);
  assert.equal(old.length, 2);
  assert.equal(tree.nodes[0].children[0].href, "https://example.org");
  tree.append("/b\n\nc");
  assert.equal(tree.nodes[0].children[0].href, "https://example.org/b");
});

test("the two characters of one line's end may come one by one", () => {
  assert.deepEqual(treeOf("a\r", "\nb\r", "", "\n\r\nc").nodes, treeOf("a\nb\n\nc").nodes);
});

test("headings begin below the page's own, and skip no level", () => {
  const levels = treeOf("### a\n###### b\n### c\n# d\n## e\n> ## f\n").nodes.flatMap(
    (node) => node.level ?? node.children[0].level,
  );

  assert.deepEqual(levels, [2, 3, 2, 2, 3, 3]);
});

test("headings have the same levels however they come", () => {
  const text = "### a\n\n###### b\n\n### c\n\n# d\n\n## e\n";

  assert.deepEqual(treeOf(...text).nodes, treeOf(text).nodes);
});

test("the words of a tree are what a screen reader says", () => {
  const tree = treeOf("# a\n*b* `c`  \nd\n\n- e\n- [f](https://example.org)\n\n| g | h |\n|-|-|\n");

  assert.equal(wordsOf(tree.nodes).replace(/\n+/g, "\n"), "a\nb c\nd\ne\nf\ng\nh\n");
});
