// Reads lines from standard input, each a JSON list of the pieces of a text in Markdown, and writes
// a line with its tree for each.

import { createInterface } from "node:readline";
import process from "node:process";
import { MarkdownTree } from "../../fastapi_echochat/static/tree.js";

for await (const line of createInterface({ input: process.stdin })) {
  const tree = new MarkdownTree();
  for (const piece of JSON.parse(line)) tree.append(piece);
  process.stdout.write(`${JSON.stringify(tree.nodes)}\n`);
}
