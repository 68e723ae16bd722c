import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { Films } from "./player/films.mjs";

const films = new Films(app, api, document, () => import("./player/player.mjs"));

app.registerExtension({
  name: "svdstudio.filmPlayer",
  setup() {
    // Also for a node that need not run again.
    api.addEventListener("executed", ({ detail }) =>
      films.tell(String(detail.display_node ?? detail.node), detail.output),
    );
  },
  nodeCreated(node) {
    films.prepare(node);
  },
  afterConfigureGraph() {
    films.restore();
  },
  getNodeMenuItems(node) {
    return films.menuItems(node);
  },
});
