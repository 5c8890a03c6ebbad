// Counts the steps that reading a text takes: reads a JSON list of texts from standard input, and
// writes how often V8 ran a block of the page's modules for each. With `--no-opt`: what V8 optimises
// it does not count.

import { Session } from "node:inspector/promises";
import process from "node:process";
import { json } from "node:stream/consumers";
import { MarkdownTree } from "../../fastapi_echochat/static/tree.js";

const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

// A range of a function counts its entry, or the iterations of a loop in it.
async function countSteps(text) {
  // What is counted is what came since the counts were last taken.
  await session.post("Profiler.takePreciseCoverage");
  new MarkdownTree().append(text);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  return result.filter(({ url }) => url.includes("/static/"))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
}

const counts = [];
for (const text of (await json(process.stdin))) counts.push(await countSteps(text));
process.stdout.write(JSON.stringify(counts));
