/** Bring a node into view, wherever it is. */
import { nodeByExecutionId } from "../graph/execution_ids.mjs";

/**
 * Open the subgraph that the node is in, select it, and move the view there.
 * @param {any} app
 * @param {string} executionId
 * @returns {boolean}  whether there still is such a node
 */
export function goToNode(app, executionId) {
  const node = nodeByExecutionId(app.rootGraph ?? app.graph, executionId);
  if (!node) return false;
  const { canvas } = app;
  if (canvas.graph !== node.graph) canvas.setGraph(node.graph);
  canvas.deselectAll?.();
  canvas.select?.(node);
  // A graph that was just opened gets its own view first.
  requestAnimationFrame(() => canvas.centerOnNode(node));
  return true;
}
