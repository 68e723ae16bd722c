/** Which of our nodes a refusal is about, as messages to show. */
import { nodeByExecutionId } from "../graph/execution_ids.mjs";
import { sentenceOf, sentenceOfFailure } from "./sentences.mjs";

/** @typedef {{ executionId: string, title: string, text: string }} Problem */

/** @param {string | undefined} type */
function isOurs(type) {
  return (type ?? "").startsWith("SVDStudio");
}

/**
 * What the server has against a graph that was queued: one for each node of ours.
 * @param {any} rootGraph
 * @param {Record<string, { class_type: string, errors: any[] }>} nodeErrors
 * @returns {Problem[]}
 */
export function refusedNodes(rootGraph, nodeErrors) {
  return Object.entries(nodeErrors)
    .filter(([, { class_type, errors }]) => isOurs(class_type) && errors.length)
    .map(([executionId, { class_type, errors }]) => ({
      executionId,
      title: titleOf(rootGraph, executionId, class_type),
      text: errors.map(sentenceOf).join("\n"),
    }));
}

/**
 * The node of ours that failed while it ran, if it is one of ours.
 * @param {any} rootGraph
 * @param {any} failure  of the event execution_error
 * @returns {Problem[]}
 */
export function failedNode(rootGraph, failure) {
  if (!isOurs(failure.node_type)) return [];
  const executionId = String(failure.node_id);
  const title = titleOf(rootGraph, executionId, failure.node_type);
  return [{ executionId, title, text: sentenceOfFailure(failure) }];
}

/**
 * As "SVD Sampler", or "SVD Sampler in Picture to Film" for a node inside a subgraph.
 * @param {any} rootGraph
 * @param {string} executionId
 * @param {string} classType
 */
function titleOf(rootGraph, executionId, classType) {
  const title = nodeByExecutionId(rootGraph, executionId)?.title ?? classType;
  const above = executionId.includes(":") && executionId.replace(/:[^:]*$/, "");
  const around = above && nodeByExecutionId(rootGraph, above)?.title;
  return around ? `${title} in ${around}` : title;
}
