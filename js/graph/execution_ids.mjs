/**
 * Where in nested subgraphs a node is. The server speaks of "3:7:1": node 1 in the subgraph of node 7,
 * which is in the subgraph of node 3; each graph numbers its nodes by itself.
 */

/**
 * The node that an execution id names, or null where the graph has changed since.
 * @param {any} rootGraph
 * @param {string | number} executionId
 */
export function nodeByExecutionId(rootGraph, executionId) {
  const steps = String(executionId).split(":");
  let graph = rootGraph;
  let node = null;
  for (const step of steps) {
    if (!graph) return null;
    node = graph.nodes.find((/** @type {any} */ each) => String(each.id) === step) ?? null;
    graph = node?.subgraph ?? null;
  }
  return node;
}

/**
 * Every node of a graph and of the subgraphs in it, with its execution id.
 * @param {any} graph
 * @param {string} [prefix]
 * @returns {Generator<{ node: any, executionId: string }>}
 */
export function* everyNode(graph, prefix = "") {
  for (const node of graph.nodes) {
    const executionId = `${prefix}${node.id}`;
    yield { node, executionId };
    if (node.subgraph) yield* everyNode(node.subgraph, `${executionId}:`);
  }
}

/**
 * Execution ids of a node; a subgraph that is used twice runs its nodes twice.
 * @param {any} rootGraph
 * @param {any} node
 * @returns {string[]}
 */
export function executionIdsOf(rootGraph, node) {
  return [...everyNode(rootGraph)]
    .filter((each) => each.node === node)
    .map((each) => each.executionId);
}
