/** The lines of a graph: they say what the server tells, again when the graph is read anew. */
import { everyNode, nodeByExecutionId } from "../graph/execution_ids.mjs";
import { MemoryLine } from "./line.mjs";

const SAMPLER = "SVDStudioSampler";
const NO_ID = /^[0-]*$/; // of a graph that was never saved: others have the same

export class MemoryLines {
  /**
   * @param {any} app
   * @param {Document} document
   */
  constructor(app, document) {
    this.app = app;
    this.document = document;
    /** @type {WeakMap<any, MemoryLine>} */
    this.lines = new WeakMap();
    /** @type {Map<string, import("./words.mjs").MemoryFacts>} by graph and execution id */
    this.told = new Map();
  }

  get graph() {
    return this.app.rootGraph ?? this.app.graph;
  }

  /**
   * What the server says of a node.
   * @param {string} executionId
   * @param {import("./words.mjs").MemoryFacts} facts
   */
  tell(executionId, facts) {
    const node = nodeByExecutionId(this.graph, executionId);
    if (!node || !this.lines.has(node)) return;
    if (!NO_ID.test(this.graph.id ?? "")) this.told.set(this.key(executionId), facts);
    this.show(node, facts);
  }

  /** After the graph was read anew, by undo too: its nodes are other objects with the same ids. */
  restore() {
    for (const { node, executionId } of everyNode(this.graph)) {
      const facts = this.lines.has(node) && this.told.get(this.key(executionId));
      if (facts) this.show(node, facts);
    }
  }

  /** After the setting was changed. */
  update() {
    if (this.wanted) return this.restore();
    for (const { node } of everyNode(this.graph)) this.lines.get(node)?.reveal(false);
  }

  get wanted() {
    return this.app.extensionManager.setting.get("svdstudio.memory.line") !== false;
  }

  /**
   * A node that was just made.
   * @param {any} node
   */
  prepare(node) {
    if (node.constructor.comfyClass === SAMPLER) this.lines.set(node, new MemoryLine(node, this.document));
  }

  /**
   * @param {any} node
   * @param {import("./words.mjs").MemoryFacts} facts
   */
  show(node, facts) {
    if (this.wanted) this.lines.get(node)?.show(facts);
  }

  /** @param {string} executionId */
  key(executionId) {
    return `${this.graph.id}/${executionId}`;
  }
}
