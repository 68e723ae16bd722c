import { app } from "../../scripts/app.js";
import { SETTINGS } from "./settings/settings.mjs";

app.registerExtension({
  name: "svdstudio.settings",
  settings: SETTINGS,
});
