import assert from "node:assert/strict";
import { test } from "node:test";

import { everyNode, executionIdsOf, nodeByExecutionId } from "../../js/graph/execution_ids.mjs";

const inner = { id: 1 };
const shared = { nodes: [inner] };
const graph = {
  nodes: [{ id: 1 }, { id: 3, subgraph: { nodes: [{ id: 7, subgraph: shared }] } }, { id: 4, subgraph: shared }],
};

test("an execution id names a node inside nested subgraphs", () => {
  assert.equal(nodeByExecutionId(graph, "3:7:1"), inner);
  assert.equal(nodeByExecutionId(graph, 1), graph.nodes[0]);
});

test("an id of a graph that has changed names nothing", () => {
  assert.equal(nodeByExecutionId(graph, "3:9:1"), null);
  assert.equal(nodeByExecutionId(graph, "1:2"), null);
});

test("a node of a subgraph that is used twice runs twice", () => {
  assert.deepEqual(executionIdsOf(graph, inner), ["3:7:1", "4:1"]);
});

test("every node is found once under each of its ids", () => {
  const ids = [...everyNode(graph)].map(({ executionId }) => executionId);
  assert.deepEqual(ids, ["1", "3", "3:7", "3:7:1", "4", "4:1"]);
});
