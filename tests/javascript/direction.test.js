import assert from "node:assert/strict";
import { test } from "node:test";
import { directionOf } from "../../fastapi_echochat/static/direction.js";

test("a text is written in the direction of its first letter", () => {
  const fromTheLeft = ["word", "1. слово שלום", "✓ 語", "\u200e שלום", "😀 ok"];
  const fromTheRight = ["שלום", "12 % مرحبا word", "\u200f (a)", "ߒߞߏ", "𞤀𞤣", "𐤀", "ﷲ", "ﻻ"];
  for (const text of fromTheLeft) assert.equal(directionOf(text), "ltr", text);
  for (const text of fromTheRight) assert.equal(directionOf(text), "rtl", text);
});

test("without a letter it has none", () => {
  for (const text of ["", " 12.5 %", "٣", "😀"]) assert.equal(directionOf(text), undefined, text);
});

test("a block is written in the direction of the first letter in it, however deep", () => {
  const cell = (...children) => ({ tag: "td", children });
  const row = { tag: "tr", children: [cell("1"), cell({ tag: "em", children: ["شاي"] }), cell("tea")] };
  assert.equal(directionOf({ tag: "table", children: [row] }), "rtl");
  assert.equal(directionOf({ tag: "hr" }), undefined);
});
