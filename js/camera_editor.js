import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { mountCameraEditor } from "./camera/mount.mjs";

app.registerExtension({
  name: "svdstudio.cameraEditor",
  nodeCreated(/** @type {any} */ node) {
    if (node.comfyClass === "SVDStudioCameraKeyframes") mountCameraEditor(node, app, api);
  },
});
