import { app } from "../../scripts/app.js";
import { PresetsMenu, hasPresets } from "./presets/menu.mjs";

const presets = new PresetsMenu(app, document);

app.registerExtension({
  name: "svdstudio.presets",
  commands: [
    {
      id: "svdstudio.showPresets",
      label: "SVD Studio: Presets of the selected node",
      icon: "pi pi-bookmark",
      function: () => presets.showForSelection(),
    },
  ],
  getNodeMenuItems(node) {
    return presets.entries(node);
  },
  // The menu of a node in Nodes 2.0 of 1.32 has no entries of extensions; its toolbox has.
  getSelectionToolboxCommands(selected) {
    return hasPresets(selected) ? ["svdstudio.showPresets"] : [];
  },
});
