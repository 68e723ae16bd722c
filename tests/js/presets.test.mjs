import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { BUILT_IN } from "../../js/presets/built_in.mjs";
import { presetsFor, tidyName, withPreset, withoutPreset } from "../../js/presets/own.mjs";
import { applyValues, defaultsOf, valuesOf } from "../../js/presets/values.mjs";

const nodes = JSON.parse(readFileSync(new URL("../golden/nodes.json", import.meta.url), "utf-8"));

for (const [type, presets] of Object.entries(BUILT_IN)) {
  test(`${type} takes every value of its presets`, () => {
    assert.ok(nodes[type], "no such node");
    for (const { name, values } of presets)
      for (const [input, value] of Object.entries(values))
        assert.ok(takes(nodes[type].inputs[input], value), `${name}: ${input} = ${value}`);
  });

  test(`presets of ${type} have names that menus can show`, () => {
    const names = presets.map(({ name }) => name);
    assert.deepEqual(names.map(tidyName), names);
    assert.equal(new Set(names).size, names.length);
  });
}

/** Whether the server takes a value for an input, by the schema that it gives. */
function takes(input, value) {
  if (input.type === "COMBO") return typeof value === "string" && (input.options?.includes(value) ?? true);
  if (input.type === "BOOLEAN") return typeof value === "boolean";
  const { min = -Infinity, max = Infinity } = input;
  const isNumber = input.type === "INT" ? Number.isInteger(value) : typeof value === "number";
  return isNumber && value >= min && value <= max;
}

/** A node as far as presets look at it, and what its history and its widgets were told. */
function node(widgets, inputs = []) {
  const told = [];
  const canvas = {
    emitBeforeChange: () => told.push("before"),
    emitAfterChange: () => told.push("after"),
  };
  for (const widget of widgets) widget.callback = (value) => told.push(`${widget.name} ${value}`);
  class Sampler {
    static nodeData = {
      inputs: { steps: { default: 25 }, schedule: { default: "karras" }, file: {}, model: {} },
    };
    widgets = widgets;
    inputs = inputs;
  }
  return { made: new Sampler(), canvas, told };
}

const steps = (value) => ({ name: "steps", type: "number", value, options: { min: 1, max: 1000 } });
const schedule = (value) => ({
  name: "schedule",
  type: "combo",
  value,
  options: { values: ["karras", "exponential"] },
});

test("a preset is one change of the history", () => {
  const { made, canvas, told } = node([steps(2), schedule("exponential")]);
  const kept = applyValues(made, { steps: 10, schedule: "karras" }, canvas);
  assert.deepEqual(kept, { linked: [], unknown: [] });
  assert.deepEqual(told, ["before", "steps 10", "schedule karras", "after"]);
  assert.deepEqual(valuesOf(made), { steps: 10, schedule: "karras" });
});

test("a value that another node sets is left alone", () => {
  const { made, canvas } = node([steps(2)], [{ name: "steps", widget: { name: "steps" }, link: 7 }]);
  assert.deepEqual(applyValues(made, { steps: 10 }, canvas).linked, ["steps"]);
  assert.equal(made.widgets[0].value, 2);
});

test("values that a widget does not take are left alone", () => {
  const { made, canvas } = node([steps(2), schedule("karras")]);
  const given = { steps: "many", schedule: "gone", sampler: "euler" };
  assert.deepEqual(applyValues(made, given, canvas).unknown, ["steps", "schedule", "sampler"]);
  assert.deepEqual(applyValues(made, { steps: 5000 }, canvas).unknown, ["steps"]);
  assert.deepEqual(valuesOf(made), { steps: 2, schedule: "karras" });
});

test("only what the server knows is saved, and has a default", () => {
  const after = { name: "control_after_generate", type: "combo", value: "fixed" };
  const file = { name: "file", type: "combo", value: "a.safetensors" };
  const { made } = node([steps(2), after, file]);
  assert.deepEqual(valuesOf(made), { steps: 2, file: "a.safetensors" });
  assert.deepEqual(defaultsOf(made), { steps: 25 });
});

test("own presets are kept by type and name", () => {
  const one = withPreset({}, "A", { name: "slow", values: { steps: 50 } });
  const two = withPreset(one, "A", { name: "fast", values: { steps: 5 } });
  assert.deepEqual(
    presetsFor(two, "A").map(({ name }) => name),
    ["fast", "slow"],
  );
  assert.deepEqual(withoutPreset(two, "A", "slow"), { A: { fast: { steps: 5 } } });
  assert.deepEqual(presetsFor(two, "B"), []);
});

test("a name with HTML does not reach a menu", () => {
  assert.equal(tidyName("  <img src=x onerror=alert(1)>  "), "img src=x onerror=alert(1)");
  assert.deepEqual(presetsFor({ A: { "<b>": { steps: 1 } } }, "A"), []);
});

test("a setting that somebody broke has no presets", () => {
  for (const kept of [undefined, null, 3, [], { A: 3 }, { A: [1] }, { A: { x: null } }])
    assert.deepEqual(presetsFor(kept, "A"), []);
  assert.deepEqual(presetsFor({}, "constructor"), []);
});

test("names of JavaScript's own are names", () => {
  const kept = withPreset({}, "A", { name: "__proto__", values: { steps: 1 } });
  assert.deepEqual(
    presetsFor(JSON.parse(JSON.stringify(kept)), "A").map(({ name }) => name),
    ["__proto__"],
  );
});
