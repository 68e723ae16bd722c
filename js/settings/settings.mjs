/** What a user can choose once for all graphs. */
import { settingChanged } from "./changes.mjs";

/** The user's own presets, by node type; no row in the dialog. */
export const OWN_PRESETS = "svdstudio.presets";

/**
 * A switch of the settings dialog.
 * @param {string} id
 * @param {string} group  the heading it stands under
 * @param {string} name
 * @param {string} tooltip
 */
function onOff(id, group, name, tooltip) {
  const category = ["SVD Studio", group, name];
  const onChange = () => settingChanged(id);
  return { id, category, name, tooltip, type: "boolean", defaultValue: true, onChange };
}

/** @type {any[]} ComfyUI's type of an id knows only its own */
export const SETTINGS = [
  onOff(
    "svdstudio.player.autoplay",
    "Player",
    "Play films by themselves",
    "A film starts, without sound, as soon as its node has made it.",
  ),
  onOff(
    "svdstudio.player.loop",
    "Player",
    "Start again at the end",
    "Films in nodes go on with their first frame after the last one.",
  ),
  onOff(
    "svdstudio.memory.line",
    "Nodes",
    "Show memory on SVD Sampler",
    "A line on the node: what the run was planned to take, what it may take, and what it took.",
  ),
  onOff(
    "svdstudio.refusals.toasts",
    "Messages",
    "Say which node of SVD Studio failed, and why",
    "A message with the node's name and a button that goes there, also into subgraphs.",
  ),
  onOff(
    "svdstudio.camera.snap",
    "Camera",
    "Snap to the middle and to whole values",
    "The framing that is drawn on the picture is drawn to its middle, its edges and whole values.",
  ),
  {
    id: OWN_PRESETS,
    category: ["SVD Studio", "Nodes", "Own presets"],
    name: "Own presets",
    type: "hidden",
    defaultValue: {},
  },
];
