import { app } from "../../scripts/app.js";
import { PresetsMenu } from "./presets/menu.mjs";

const presets = new PresetsMenu(app, document);

app.registerExtension({
  name: "svdstudio.presets",
  getNodeMenuItems(node) {
    return presets.entries(node);
  },
});
