import { app } from "../../scripts/app.js";
import { keepPresetTrue } from "./presets/quality.mjs";

app.registerExtension({
  name: "svdstudio.qualityPreset",
  nodeCreated(node) {
    keepPresetTrue(node, app);
  },
});
