import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryLine, size, sizeOf } from "../../js/memory/words.mjs";

const GIBI = 2 ** 30;
const facts = { way: "large chunks", estimate: 1.57 * GIBI, budget: 3.2 * GIBI, measured: null, retries: [] };

test("sizes have the unit that suits them", () => {
  assert.equal(size(1.57 * GIBI), "1.57 GiB");
  assert.equal(size(21 * 2 ** 20), "21 MiB");
  assert.equal(sizeOf(1.57 * GIBI, 3.2 * GIBI), "1.57 of 3.20 GiB");
  assert.equal(sizeOf(21 * 2 ** 20, 3.2 * GIBI), "21 MiB of 3.20 GiB");
  assert.equal(sizeOf(GIBI, null), "1.00 GiB");
});

test("the line says the plan, and in the end what was measured", () => {
  assert.equal(memoryLine(facts).text, "plan 1.57 of 3.20 GiB, large chunks");
  const ended = memoryLine({ ...facts, measured: 1.49 * GIBI });
  assert.equal(ended.text, "plan 1.57 of 3.20 GiB, large chunks · measured 1.49 GiB");
  assert.ok(ended.tooltip.includes("1.49 GiB"));
});

test("a process that did not grow was not measured", () => {
  assert.equal(memoryLine({ ...facts, measured: 0 }).text, memoryLine(facts).text);
});

test("the bar stays within its ends", () => {
  const over = memoryLine({ ...facts, budget: GIBI, measured: 2 * GIBI });
  assert.deepEqual([over.planned, over.measured], [1, 1]);
  assert.equal(memoryLine({ ...facts, budget: 0 }).planned, 1);
  assert.ok(Math.abs(memoryLine(facts).planned - 1.57 / 3.2) < 1e-9);
});

test("without a limit the plan fills the bar", () => {
  assert.deepEqual([memoryLine({ ...facts, budget: null }).planned], [1]);
});

test("memory that ran out is told, with a way out", () => {
  const retry = "out of memory with whole: went on with large chunks";
  const line = memoryLine({ ...facts, retries: [retry] });
  assert.equal(line.ranOut, true);
  assert.ok(line.tooltip.includes("Memory ran out: whole: went on with large chunks."));
  assert.ok(line.tooltip.includes("SVD Memory Plan"));
  assert.equal(memoryLine(facts).ranOut, false);
});
