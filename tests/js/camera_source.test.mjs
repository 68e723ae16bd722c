import assert from "node:assert/strict";
import { test } from "node:test";

import { findSource } from "../../js/camera/source.mjs";

/** A graph as litegraph keeps it: [from, slot, to, slot] for each link. */
function graphOf(id, nodes, links) {
  const graph = { id, nodes, links: new Map(), getNodeById: (wanted) => nodes.find((each) => each.id === wanted) };
  for (const node of nodes) Object.assign(node, { graph, inputs: node.inputs ?? [], outputs: node.outputs ?? [] });
  links.forEach(([origin_id, origin_slot, target_id, target_slot], index) => {
    graph.links.set(index, { origin_id, origin_slot, target_id, target_slot });
    const output = graph.getNodeById(origin_id)?.outputs[origin_slot];
    if (output) (output.links ??= []).push(index);
    const input = graph.getNodeById(target_id)?.inputs[target_slot];
    if (input) input.link = index;
  });
  return graph;
}

const socket = (name, type) => ({ name, type });
const widgets = (values) => Object.entries(values).map(([name, value]) => ({ name, value }));
const picture = (id, image) => ({ id, type: "LoadImage", outputs: [socket("IMAGE", "IMAGE")], widgets: widgets({ image }) });
const camera = (id) => ({
  id,
  type: "SVDStudioCameraKeyframes",
  inputs: [socket("keyframes", "STRING"), socket("picture", "IMAGE")],
  outputs: [socket("camera", "SVD_CAMERA")],
});
const guide = (id, values = {}) => ({
  id,
  type: "SVDStudioCameraGuide",
  inputs: [socket("image", "IMAGE"), socket("camera", "SVD_CAMERA")],
  widgets: widgets({ width: 0, height: 0, frames: 0, fps: 7, fit: "cover", ...values }),
});
const reroute = (id, type) => ({ id, type: "Reroute", inputs: [socket("", "*")], outputs: [socket("", type)] });

test("the picture is the one that the camera is filmed with", () => {
  const nodes = [picture(1, "a b/c.png [output]"), camera(2), guide(3, { width: 512, height: 512, frames: 25 })];
  const graph = graphOf("g", nodes, [[1, 0, 3, 0], [2, 0, 3, 1]]);
  const found = findSource(nodes[1], graph);
  assert.deepEqual(found.file, { filename: "c.png", subfolder: "a b", type: "output" });
  assert.deepEqual([found.aspect, found.frames, found.fit], [1, 25, "cover"]);
});

test("reroutes and nodes that combine cameras are on the way", () => {
  const combine = { id: 4, type: "SVDStudioCameraCombine", inputs: [socket("camera_1", "SVD_CAMERA")], outputs: [socket("camera", "SVD_CAMERA")] };
  const scale = { id: 7, type: "ImageScale", inputs: [socket("image", "IMAGE")], outputs: [socket("IMAGE", "IMAGE")] };
  const nodes = [picture(1, "c.png"), camera(2), guide(3), combine, reroute(5, "SVD_CAMERA"), reroute(6, "IMAGE"), scale];
  const graph = graphOf("g", nodes, [[1, 0, 7, 0], [7, 0, 6, 0], [6, 0, 3, 0], [2, 0, 5, 0], [5, 0, 4, 0], [4, 0, 3, 1]]);
  assert.equal(findSource(nodes[1], graph).file.filename, "c.png");
});

test("a picture of its own comes first, and as the server has shown it where nodes change it", () => {
  const scale = { id: 7, type: "ImageScale", inputs: [socket("image", "IMAGE")], outputs: [socket("IMAGE", "IMAGE")] };
  const nodes = [picture(1, "film.png"), camera(2), guide(3), picture(4, "own.png"), scale];
  const shown = { filename: "shown.jpg", subfolder: "", type: "temp" };
  const direct = graphOf("g", structuredClone(nodes), [[1, 0, 3, 0], [2, 0, 3, 1], [4, 0, 2, 1]]);
  assert.equal(findSource(direct.nodes[1], direct, shown).file.filename, "own.png");
  const changed = graphOf("g", structuredClone(nodes), [[1, 0, 3, 0], [2, 0, 3, 1], [4, 0, 7, 0], [7, 0, 2, 1]]);
  assert.equal(findSource(changed.nodes[1], changed, shown).file.filename, "shown.jpg");
  assert.equal(findSource(changed.nodes[1], changed).file.filename, "own.png");
});

test("borders of subgraphs are crossed both ways", () => {
  const inside = graphOf("s", [camera(2)], [[2, 0, -20, 0]]);
  const holder = { id: 9, type: "s", subgraph: inside, outputs: [socket("camera", "SVD_CAMERA")] };
  const nodes = [picture(1, "c.png"), holder, guide(3)];
  const root = graphOf("g", nodes, [[1, 0, 3, 0], [9, 0, 3, 1]]);
  assert.equal(findSource(inside.nodes[0], root).file.filename, "c.png");

  const filming = graphOf("s", [guide(3)], [[-10, 0, 3, 0], [-10, 1, 3, 1]]);
  const studio = { id: 9, type: "s", subgraph: filming, inputs: [socket("image", "IMAGE"), socket("camera", "SVD_CAMERA")] };
  const outside = [picture(1, "d.png"), camera(2), studio];
  const other = graphOf("g", outside, [[1, 0, 9, 0], [2, 0, 9, 1]]);
  assert.equal(findSource(outside[1], other).file.filename, "d.png");
});

test("a graph without a picture, or one that runs in circles, has none", () => {
  const alone = graphOf("g", [camera(2)], []);
  assert.deepEqual([findSource(alone.nodes[0], alone).file, findSource(alone.nodes[0], alone).frames], [null, 14]);
  const nodes = [camera(2), reroute(5, "SVD_CAMERA"), reroute(6, "SVD_CAMERA")];
  const circle = graphOf("g", nodes, [[2, 0, 5, 0], [5, 0, 6, 0], [6, 0, 5, 0]]);
  assert.equal(findSource(nodes[0], circle).file, null);
});
