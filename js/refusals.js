import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { Messages } from "./refusals/messages.mjs";
import { failedNode, refusedNodes } from "./refusals/problems.mjs";
import { onRefusal } from "./refusals/watch.mjs";

/** @type {any} ComfyUI's types know only what new versions have */
const page = app;

app.registerExtension({
  name: "svdstudio.refusals",
  setup() {
    const messages = new Messages(page, document);
    const graph = () => page.rootGraph ?? page.graph;
    onRefusal(
      () => page.extensionManager.lastNodeErrors ?? page.lastNodeErrors ?? null,
      (errors) => messages.showRefused(refusedNodes(graph(), errors)),
    );
    api.addEventListener("execution_error", ({ detail }) =>
      messages.show(failedNode(graph(), detail)),
    );
    api.addEventListener("execution_start", () => messages.clear());
  },
});
