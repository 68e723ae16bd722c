/** The messages of a refusal; those of the run before go when a new one begins. */
import { notify } from "../notices/notice.mjs";
import { goToNode } from "./go_to_node.mjs";
import { failedNode, refusedNodes } from "./problems.mjs";

const MOST = 3; // at a time

export class Messages {
  /**
   * @param {any} app
   * @param {Document} document
   */
  constructor(app, document) {
    this.app = app;
    this.document = document;
    /** @type {(() => void)[]} */
    this.shown = [];
  }

  /**
   * Of a graph that was not taken. Newer versions of ComfyUI say by themselves which node it is and
   * what is wrong with it; of a node that failed they say no more than that.
   * @param {Record<string, any>} nodeErrors
   */
  showRefused(nodeErrors) {
    const { toast, setting } = this.app.extensionManager;
    const isTold = toast.error && setting.get("Comfy.RightSidePanel.ShowErrorsTab");
    this.show(isTold ? [] : refusedNodes(this.graph, nodeErrors));
  }

  /** @param {any} failure  of the event execution_error */
  showFailed(failure) {
    this.show(failedNode(this.graph, failure));
  }

  get graph() {
    return this.app.rootGraph ?? this.app.graph;
  }

  /** @param {import("./problems.mjs").Problem[]} problems */
  show(problems) {
    this.clear();
    if (this.app.extensionManager.setting.get("svdstudio.refusals.toasts") === false) return;
    for (const { executionId, title, text } of problems.slice(0, MOST))
      this.shown.push(
        notify(this.app, this.document, {
          severity: "error",
          title,
          text,
          action: { label: "Show the node", run: () => void goToNode(this.app, executionId) },
        }),
      );
  }

  clear() {
    for (const dismiss of this.shown.splice(0)) dismiss();
  }
}
