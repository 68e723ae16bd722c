import assert from "node:assert/strict";
import { test } from "node:test";

import { keepPresetTrue } from "../../js/presets/quality.mjs";
import { applyValues, defaultsOf } from "../../js/presets/values.mjs";

const PRESETS = {
  draft: { steps: 4, schedule: "ays", carry: 3.5 },
  final: { steps: 25, schedule: "karras", carry: 1 },
};
const INPUTS = {
  preset: { default: "final", svd_presets: PRESETS },
  steps: { default: 25 },
  schedule: { default: "karras" },
  carry: { default: 1 },
  fast: { default: true },
};
const CANVAS = {};

const combo = (name, value, values) => ({ name, type: "combo", value, options: { values } });
const number = (name, value) => ({ name, type: "number", value, options: { min: 1, max: 100 } });

/** A new node of the kind, its widgets by name, and what ComfyUI's own callbacks have heard. */
function made({ type = "SVDStudioQualityPreset", inputs = INPUTS, sockets = [] } = {}) {
  class Node {
    static comfyClass = type;
    static nodeData = { inputs };
    inputs = sockets;
    widgets = [
      combo("preset", "final", ["draft", "final", "custom"]),
      number("steps", 25),
      combo("schedule", "karras", ["karras", "ays"]),
      number("carry", 1),
      { name: "fast", type: "toggle", value: true, options: {} },
    ];
  }
  const node = new Node();
  const heard = [];
  for (const widget of node.widgets) widget.callback = (value) => heard.push([widget.name, value]);
  const plain = node.widgets.map(({ callback }) => callback);
  keepPresetTrue(node, { canvas: CANVAS });
  const by = Object.fromEntries(node.widgets.map((widget) => [widget.name, widget]));
  return { node, heard, plain, by };
}

/** As both renderers do. */
function choose(widget, value) {
  widget.value = value;
  widget.callback(value, CANVAS);
}

const values = ({ node }) => Object.fromEntries(node.widgets.map(({ name, value }) => [name, value]));

test("a preset fills what it means, and leaves the rest", () => {
  const quality = made();
  choose(quality.by.fast, false);
  choose(quality.by.preset, "draft");
  assert.deepEqual(values(quality), { preset: "draft", ...PRESETS.draft, fast: false });
  choose(quality.by.preset, "final");
  assert.deepEqual(values(quality), { preset: "final", ...PRESETS.final, fast: false });
});

test("ComfyUI's own callbacks hear every value", () => {
  const quality = made();
  choose(quality.by.preset, "draft");
  const expected = { preset: "draft", ...PRESETS.draft };
  assert.deepEqual(Object.fromEntries(quality.heard), expected);
});

test("a value set by hand makes it custom, which keeps the values", () => {
  const quality = made();
  choose(quality.by.preset, "draft");
  choose(quality.by.steps, 5);
  assert.deepEqual(values(quality), { preset: "custom", ...PRESETS.draft, steps: 5, fast: true });
  assert.deepEqual(quality.heard.at(-1), ["preset", "custom"]);
  choose(quality.by.steps, 4);
  assert.equal(quality.by.preset.value, "custom");
});

test("the value that it has already, and one of no preset, change no preset", () => {
  const quality = made();
  choose(quality.by.preset, "draft");
  choose(quality.by.schedule, "ays");
  choose(quality.by.carry, 3.5 + 1e-9);
  choose(quality.by.fast, false);
  assert.equal(quality.by.preset.value, "draft");
});

test("values that a graph brings are kept, whatever presets mean by now", () => {
  const quality = made();
  Object.assign(quality.by.preset, { value: "draft" });
  Object.assign(quality.by.steps, { value: 7 });
  assert.deepEqual(values(quality), { preset: "draft", ...PRESETS.final, steps: 7, fast: true });
});

test("a value that another node sets is left alone", () => {
  const linked = { name: "steps", widget: { name: "steps" }, link: 3 };
  const quality = made({ sockets: [linked] });
  choose(quality.by.preset, "draft");
  assert.deepEqual(values(quality), { preset: "draft", ...PRESETS.draft, steps: 25, fast: true });
});

test("defaults, and presets of the user's own, end with the preset that they name", () => {
  const quality = made();
  choose(quality.by.steps, 9);
  applyValues(quality.node, defaultsOf(quality.node), CANVAS);
  assert.deepEqual(values(quality), { preset: "final", ...PRESETS.final, fast: true });
  applyValues(quality.node, { preset: "custom", ...PRESETS.draft, steps: 6 }, CANVAS);
  assert.deepEqual(values(quality), { preset: "custom", ...PRESETS.draft, steps: 6, fast: true });
});

test("names of JavaScript's own are no presets", () => {
  const quality = made();
  const before = values(quality);
  choose(quality.by.preset, "constructor");
  assert.deepEqual(values(quality), { ...before, preset: "constructor" });
});

test("other nodes, and a server that says nothing of presets, are left as they are", () => {
  for (const how of [{ type: "KSampler" }, { inputs: { preset: {} } }]) {
    const { node, plain } = made(how);
    assert.deepEqual(
      node.widgets.map(({ callback }) => callback),
      plain,
    );
  }
});
