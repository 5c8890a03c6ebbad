// Does what users do with the documents of a chat, all in one process, and prints the outcome:
// `node check.js ENDPOINT ASYNCAPI…`, in a folder that has the documents and node_modules.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { argv, stdout } from "node:process";
import addFormats from "ajv-formats";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import { compile } from "json-schema-to-typescript";
import ts from "typescript";
import { WebSocket } from "ws";

const [endpoint, ...documents] = argv.slice(2);
const read = (name) => JSON.parse(readFileSync(name, "utf-8"));

function refusal(schema) {
  const ajv = new Ajv2020({ strict: true, useDefaults: true });
  addFormats(ajv);
  try {
    ajv.compile(schema);
  } catch (error) {
    return error.message;
  }
  return null;
}

function faults(names) {
  // Each schema is used once, so to inline it takes longer than it saves.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false, inlineRefs: false });
  addFormats(ajv);
  // In 3.0.0.json, whose schemas have identifiers, ajv finds one of them twice.
  const specification = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const isValid = ajv.compile(specification);
  return names.map((name) => (isValid(read(name)) ? [] : isValid.errors.map((error) => error.instancePath)));
}

function complaints(name) {
  const program = ts.createProgram([name], {
    strict: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    // A worker's declarations, which have WebSocket too, are a third of a page's to read.
    lib: ["lib.es2022.d.ts", "lib.webworker.d.ts"],
    types: [],
    skipLibCheck: true,
  });
  program.emit();
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const schema = read("protocol.json");
writeFileSync("echochat.ts", await compile(schema, "Echochat", { format: false }));
const checked = { refusal: refusal(schema), faults: faults(documents), complaints: complaints("client.ts") };
// Node has its own from its release 22 on.
globalThis.WebSocket ??= WebSocket;
const { ask } = await import("./client.js");
const answer = await ask(endpoint, schema, "NBA").catch(String);
stdout.write(JSON.stringify({ ...checked, answer }));
