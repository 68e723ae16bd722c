import assert from "node:assert/strict";
import { test } from "node:test";

import { failedNode, refusedNodes } from "../../js/refusals/problems.mjs";
import { sentenceOf, sentenceOfFailure } from "../../js/refusals/sentences.mjs";
import { isPrompt } from "../../js/refusals/watch.mjs";

const sampler = { id: 5, title: "Denoise <b>it</b>", type: "SVDStudioSampler" };
const graph = {
  nodes: [
    { id: 1, title: "Load Image", type: "LoadImage" },
    { id: 3, title: "Picture to Film", subgraph: { nodes: [sampler] } },
    sampler,
  ],
};

function reason(type, extra_info, details = "", message = "") {
  return { type, message, details, extra_info };
}

// As ComfyUI 0.3.75 words them.
const cases = [
  [
    reason("required_input_missing", { input_name: "model" }, "model", "Required input is missing"),
    "Nothing is connected to “model”, which the node needs.",
  ],
  [
    reason("value_not_in_list", { input_name: "lora", received_value: "gone.safetensors" }, "lora: 'gone…"),
    "“lora” is “gone.safetensors”, which is not there: choose another one.",
  ],
  [
    reason("value_smaller_than_min", { input_name: "steps", received_value: 0, input_config: ["INT", { min: 1 }] }),
    "“steps” is 0, and the least is 1.",
  ],
  [
    reason("value_bigger_than_max", { input_name: "fps", received_value: 99, input_config: ["INT", { max: 60 }] }),
    "“fps” is 99, and the most is 60.",
  ],
  [
    reason("return_type_mismatch", { input_name: "vae", received_type: "MODEL", input_config: ["VAE", {}] }),
    "“vae” takes VAE, and MODEL is connected to it.",
  ],
  [
    reason("custom_validation_failed", { input_name: "film" }, "film - There is no film a - b.mp4: choose one."),
    "There is no film a - b.mp4: choose one.",
  ],
  [reason("brand_new", undefined, "details", "A message"), "A message: details"],
];

for (const [given, sentence] of cases)
  test(`${given.type} is one sentence`, () => assert.equal(sentenceOf(given), sentence));

test("long lists of files are cut", () => {
  assert.equal(sentenceOf(reason("brand_new", {}, "x".repeat(5000), "m")).length, 400);
});

test("what a node says when it fails is said without the spaces around it", () => {
  assert.equal(sentenceOfFailure({ exception_message: "Too large: choose less.\n" }), "Too large: choose less.");
  assert.equal(sentenceOfFailure({ exception_message: "", exception_type: "KeyError" }), "The node ended with KeyError.");
});

test("refusals of our nodes are told, those of others are ComfyUI's", () => {
  const errors = [reason("required_input_missing", { input_name: "model" })];
  const told = refusedNodes(graph, {
    1: { class_type: "LoadImage", errors },
    5: { class_type: "SVDStudioSampler", errors },
    "3:5": { class_type: "SVDStudioSampler", errors: [...errors, ...errors] },
    9: { class_type: "SVDStudioDecode", errors: [] },
  });
  assert.deepEqual(
    told.map(({ executionId, title }) => [executionId, title]),
    [
      ["5", "Denoise <b>it</b>"],
      ["3:5", "Denoise <b>it</b> in Picture to Film"],
    ],
  );
  assert.equal(told[1].text.split("\n").length, 2);
});

test("a node that failed is told by its id in nested subgraphs", () => {
  const failure = { node_id: "3:5", node_type: "SVDStudioSampler", exception_message: "No.\n" };
  assert.deepEqual(failedNode(graph, failure), [
    { executionId: "3:5", title: "Denoise <b>it</b> in Picture to Film", text: "No." },
  ]);
  assert.deepEqual(failedNode(graph, { ...failure, node_type: "KSampler" }), []);
});

test("a node that has gone since is told by its type", () => {
  const failure = { node_id: 77, node_type: "SVDStudioDecode", exception_message: "No." };
  assert.equal(failedNode(graph, failure)[0].title, "SVDStudioDecode");
});

test("only the queueing of a graph is a prompt", () => {
  assert.ok(isPrompt("http://127.0.0.1:8188/api/prompt"));
  assert.ok(isPrompt("http://127.0.0.1:8188/comfy/api/prompt?x=1"));
  assert.ok(!isPrompt("http://127.0.0.1:8188/api/history"));
});
