/** The entry "SVD Studio presets" in a node's menu. */
import { OWN_PRESETS } from "../settings/settings.mjs";
import { BUILT_IN } from "./built_in.mjs";
import { presetsFor, tidyName, withPreset, withoutPreset } from "./own.mjs";
import { applyValues, defaultsOf, valuesOf } from "./values.mjs";

/** @typedef {import("./built_in.mjs").Values} Values */

const SECONDS = 6;

/** @param {any} node */
export function hasPresets(node) {
  return Boolean(node?.type?.startsWith?.("SVDStudio")) && Object.keys(valuesOf(node)).length > 0;
}

export class PresetsMenu {
  /**
   * @param {any} app
   * @param {Document} document
   */
  constructor(app, document) {
    this.app = app;
    this.document = document;
  }

  /**
   * Entries for ComfyUI's menu of a node; none for nodes of others or without widgets.
   * @param {any} node
   */
  entries(node) {
    if (!hasPresets(node)) return [];
    return [
      {
        content: "SVD Studio presets",
        has_submenu: true,
        submenu: { options: this.choices(node, node.type) },
      },
    ];
  }

  /** The same as a menu of our own, for the node that is selected. */
  async showForSelection() {
    const node = [...(this.app.canvas.selectedItems ?? [])].find(hasPresets);
    if (!node) {
      this.say("warning", "Presets", "Select a node of SVD Studio that has values first.");
      return;
    }
    const pressed = this.document.activeElement?.closest("button")?.getBoundingClientRect();
    const [left, top] = this.app.canvas.ds.convertOffsetToCanvas(node.pos);
    const place = pressed ? { left: pressed.left, top: pressed.bottom + 4 } : { left, top };
    const { showPopup } = await import("./popup.mjs");
    showPopup(this.document, this.choices(node, node.type), place);
  }

  /**
   * @param {any} node
   * @param {string} type
   */
  choices(node, type) {
    const own = presetsFor(this.kept, type);
    const lists = [BUILT_IN[type] ?? [], own].filter((list) => list.length);
    return [
      ...lists.flatMap((list) => [
        ...list.map(({ name, values }) => ({
          content: name,
          callback: () => this.apply(node, name, values),
        })),
        null,
      ]),
      { content: "Save these values as a preset…", callback: () => this.save(node, type) },
      ...own.map(({ name }) => ({
        content: `Delete ${name}…`,
        callback: () => this.delete(type, name),
      })),
      { content: "Reset to defaults", callback: () => this.apply(node, "Defaults", defaultsOf(node)) },
    ];
  }

  /**
   * @param {any} node
   * @param {string} name
   * @param {Values} values
   */
  apply(node, name, values) {
    const { linked, unknown } = applyValues(node, values, this.app.canvas);
    const text = [
      linked.length && `Set by other nodes, and left alone: ${linked.join(", ")}.`,
      unknown.length && `Not to be had here, and left alone: ${unknown.join(", ")}.`,
    ].filter(Boolean);
    if (text.length) this.say("warning", `${node.title}: ${name}`, text.join("\n"));
  }

  /**
   * @param {any} node
   * @param {string} type
   */
  async save(node, type) {
    const given = await this.app.extensionManager.dialog.prompt({
      title: "Save a preset",
      message: `A name for the values of ${node.title}`,
      defaultValue: "",
    });
    const name = tidyName(given ?? "");
    if (!name) return;
    await this.keep(withPreset(this.kept, type, { name, values: valuesOf(node) }));
    this.say("success", "Preset saved", `${name}, in the menu of this kind of node.`);
  }

  /**
   * @param {string} type
   * @param {string} name
   */
  async delete(type, name) {
    const sure = await this.app.extensionManager.dialog.confirm({
      title: "Delete a preset",
      message: `Delete the preset ${name}?`,
      type: "delete",
    });
    if (sure) await this.keep(withoutPreset(this.kept, type, name));
  }

  get kept() {
    return this.app.extensionManager.setting.get(OWN_PRESETS);
  }

  /** @param {import("./own.mjs").Kept} presets */
  async keep(presets) {
    await this.app.extensionManager.setting.set(OWN_PRESETS, presets);
  }

  /**
   * @param {"success" | "warning"} severity
   * @param {string} title
   * @param {string} text
   */
  async say(severity, title, text) {
    const { notify } = await import("../notices/notice.mjs");
    notify(this.app, this.document, { severity, title, text, seconds: SECONDS });
  }
}
