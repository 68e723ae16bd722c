import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { MENU, commands } from "./settings/commands.mjs";
import { SETTINGS } from "./settings/settings.mjs";

/** @type {any} */
const page = globalThis;

app.registerExtension({
  name: "svdstudio.settings",
  settings: SETTINGS,
  commands: commands(app, api, document, (type) => page.LiteGraph.createNode(type)),
  menuCommands: MENU,
});
