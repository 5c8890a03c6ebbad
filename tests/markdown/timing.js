// Reads a JSON list of texts from standard input, and writes for each how many seconds of the
// processor reading it takes, and how deep its tree is.

import process from "node:process";
import { json } from "node:stream/consumers";
import { MarkdownTree } from "../../fastapi_echochat/static/tree.js";

function depthOf(nodes) {
  let depth = 0;
  for (let level = nodes; level.length; depth += 1) {
    level = level.flatMap(({ children = [] }) => children);
  }
  return depth;
}

function measure(text) {
  const tree = new MarkdownTree();
  const begin = process.cpuUsage();
  tree.append(text);
  const { user, system } = process.cpuUsage(begin);
  return { seconds: (user + system) / 1e6, depth: depthOf(tree.nodes) };
}

process.stdout.write(JSON.stringify((await json(process.stdin)).map(measure)));
