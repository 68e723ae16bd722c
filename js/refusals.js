import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { onRefusal } from "./refusals/watch.mjs";

/** @type {any} ComfyUI's types know only what new versions have */
const page = app;

/** @type {Promise<import("./refusals/messages.mjs").Messages> | undefined} */
let messages;

/** What shows messages is fetched with the first one. */
async function fetchMessages() {
  const { Messages } = await import("./refusals/messages.mjs");
  return new Messages(page, document);
}

app.registerExtension({
  name: "svdstudio.refusals",
  setup() {
    onRefusal(
      () => page.extensionManager.lastNodeErrors ?? page.lastNodeErrors ?? null,
      async (errors) => (await (messages ??= fetchMessages())).showRefused(errors),
    );
    api.addEventListener("execution_error", async ({ detail }) =>
      (await (messages ??= fetchMessages())).showFailed(detail),
    );
    api.addEventListener("execution_start", async () => (await messages)?.clear());
  },
});
