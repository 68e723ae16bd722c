import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { MemoryLines } from "./memory/lines.mjs";
import { onSetting } from "./settings/changes.mjs";

/** @type {any} ComfyUI's types know no events of ours */
const events = api;
const lines = new MemoryLines(app, document);

app.registerExtension({
  name: "svdstudio.memoryLine",
  setup() {
    events.addEventListener("svd_studio.memory", (/** @type {CustomEvent} */ { detail }) =>
      lines.tell(detail.node, detail),
    );
    // Also for a node that need not run again.
    events.addEventListener("executed", (/** @type {CustomEvent} */ { detail }) => {
      const [facts] = detail.output?.svd_memory ?? [];
      if (facts) lines.tell(detail.node, facts);
    });
    onSetting("svdstudio.memory.line", () => lines.update());
  },
  nodeCreated(node) {
    lines.prepare(node);
  },
  afterConfigureGraph() {
    lines.restore();
  },
});
