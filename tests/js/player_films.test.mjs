import assert from "node:assert/strict";
import { test } from "node:test";

import { everyNode } from "../../js/graph/execution_ids.mjs";
import { Films, filmsOfRuns } from "../../js/player/films.mjs";

const FILM = { filename: "a.mp4", width: 64, height: 32, frames: 4, fps: 7, bytes: 1, written: "output/a.mp4" };
const told = (filename = "a.mp4") => ({ svd_film: [{ ...FILM, filename }] });

/** @param {number} id */
const decode = (id) => {
  /** @type {any} */
  const made = { id, type: "SVDStudioDecode", comfyClass: "SVDStudioDecode", graph: null };
  made.addDOMWidget = (/** @type {string} */ name) => ({ name, options: {} });
  return made;
};

/** @param {any[]} nodes */
const graphOf = (nodes, id = "6e1f") => {
  const graph = { id, nodes };
  for (const each of nodes) {
    each.graph = graph;
    each.subgraph?.nodes.forEach((/** @type {any} */ inner) => (inner.graph = each.subgraph));
  }
  return graph;
};

/** Films over a graph, what they show, and what was asked of the server. */
const films = (/** @type {any} */ graph, history = {}) => {
  const shown = new Map();
  const asked = /** @type {string[]} */ ([]);
  const app = { rootGraph: graph };
  const fetchApi = async (/** @type {string} */ path) => {
    asked.push(path);
    return { ok: true, json: async () => history };
  };
  const load = async () => ({
    playerOn: (/** @type {any} */ { node }) => ({
      canSaveFrame: true,
      saveFrame: () => {},
      show: (/** @type {any} */ film) => shown.set(node, film.filename),
    }),
  });
  const document = /** @type {any} */ ({ createElement: () => ({ style: {} }) });
  const made = new Films(app, { clientId: "me", fetchApi }, document, load);
  /** The graph is read: its nodes are created. */
  const read = (/** @type {any} */ next) => {
    for (const { node } of everyNode(next)) made.prepare(node);
    return (app.rootGraph = next);
  };
  read(graph);
  return { made, read, app, shown, asked };
};

const run = (/** @type {string} */ graph, outputs = {}, client = "me", meta = {}) => ({
  prompt: [0, "id", {}, { client_id: client, extra_pnginfo: { workflow: { id: graph } } }, []],
  outputs,
  meta,
});

test("a film is shown on the node that made it, in subgraphs too", async () => {
  const inner = decode(1);
  const graph = graphOf([decode(1), { id: 3, type: "sub", subgraph: { nodes: [inner] } }]);
  const { made, shown } = films(graph);
  await made.tell("3:1", told());
  assert.deepEqual([...shown], [[inner, "a.mp4"]]);
});

test("nodes of others, other outputs and ids of no node are left alone", async () => {
  const graph = graphOf([decode(1), { id: 2, type: "VHS_VideoCombine" }]);
  const { made, shown } = films(graph);
  await made.tell("2", told());
  await made.tell("9", told());
  await made.tell("1", { images: [{ filename: "a.png" }] });
  await made.tell("1", undefined);
  assert.equal(shown.size, 0);
});

test("a graph that is read anew, as undo does, shows its films again", async () => {
  const { made, read, shown } = films(graphOf([decode(1)]));
  await made.tell("1", told());
  const [again] = read(graphOf([decode(1)])).nodes;
  await made.restore();
  assert.equal(shown.get(again), "a.mp4");
});

test("another graph with the same numbers shows nothing", async () => {
  const { made, read, shown } = films(graphOf([decode(1)]));
  await made.tell("1", told());
  const [other] = read(graphOf([decode(1)], "0ther")).nodes;
  await made.restore();
  assert.equal(shown.has(other), false);
});

test("a page that is loaded anew asks the server once, and only for graphs with films", async () => {
  const none = films(graphOf([{ id: 1, type: "LoadImage" }]));
  await none.made.restore();
  assert.deepEqual(none.asked, []);
  const history = { x: run("6e1f", { 1: told("old.mp4") }), y: run("6e1f", { 1: told("new.mp4") }) };
  const { made, app, shown, asked } = films(graphOf([decode(1)]), history);
  await made.restore();
  assert.equal(shown.get(app.rootGraph.nodes[0]), "new.mp4");
  await made.restore();
  assert.equal(asked.length, 1);
});

test("what was told after the page was loaded is newer than the history", async () => {
  const { made, app, shown } = films(graphOf([decode(1)]), { x: run("6e1f", { 1: told("old.mp4") }) });
  await made.tell("1", told("new.mp4"));
  await made.restore();
  assert.equal(shown.get(app.rootGraph.nodes[0]), "new.mp4");
});

test("a server that does not answer is no error", async () => {
  const { made } = films(graphOf([decode(1)]));
  made.api.fetchApi = () => Promise.reject(new Error("gone"));
  await made.restore();
});

test("graphs without an id are told apart by the tab that ran them", () => {
  const zero = "00000000-0000-0000-0000-000000000000";
  const runs = [run(zero, { 1: told("mine.mp4") }), run(zero, { 1: told("other.mp4") }, "you")];
  const found = [...filmsOfRuns(runs, "me")];
  assert.deepEqual(found.map(([, film]) => film.filename), ["mine.mp4"]);
});

test("a run that says nothing is passed over", () => {
  assert.deepEqual([...filmsOfRuns([{}, { prompt: [] }, run("a", { 1: {} })], "me")], []);
});

test("a node that is gone when the player has come gets none", async () => {
  const node = decode(1);
  const { made, shown } = films(graphOf([node]));
  const showing = made.tell("1", told());
  node.graph = null;
  await showing;
  assert.equal(shown.size, 0);
});

test("the node's menu saves a frame only where there is a film", async () => {
  const { made, app } = films(graphOf([decode(1), decode(2)]));
  await made.tell("1", told());
  const [first, second] = app.rootGraph.nodes;
  assert.deepEqual(made.menuItems(first).map((each) => each?.content), [undefined, "Save Frame as PNG"]);
  assert.deepEqual(made.menuItems(second), []);
});
