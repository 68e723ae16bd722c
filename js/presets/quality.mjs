/**
 * SVD Quality Preset shows what a preset means: choosing one fills the values below it, and changing
 * one of these makes it custom. A graph that is read keeps what it holds, since reading calls no
 * callback of a widget.
 */
import { applyValues } from "./values.mjs";

/** @typedef {import("./built_in.mjs").Values} Values */

const NODE = "SVDStudioQualityPreset";
const CUSTOM = "custom";
const ROUNDING = 1e-6; // of number widgets

/**
 * @param {any} node  one that was just made; nothing is done to those of other kinds
 * @param {any} app  ComfyUI's
 */
export function keepPresetTrue(node, app) {
  if (node.constructor.comfyClass !== NODE) return;
  const presets = presetsOf(node);
  const preset = widgetOf(node, "preset");
  if (!presets || !preset) return;
  let filling = false;

  afterCallback(preset, () => {
    const values = ownValue(presets, String(preset.value));
    if (!values || filling) return;
    filling = true;
    try {
      applyValues(node, values, app.canvas);
    } finally {
      filling = false;
    }
  });

  const changed = (/** @type {any} */ widget) => {
    const meant = ownValue(presets, String(preset.value))?.[widget.name];
    if (filling || meant === undefined || isSame(widget.value, meant)) return;
    preset.value = CUSTOM;
    // ComfyUI shows it, and keeps it in its history with the value that was changed.
    preset.callback?.(CUSTOM, app.canvas, node);
  };
  for (const name of new Set(Object.values(presets).flatMap(Object.keys))) {
    const widget = widgetOf(node, name);
    if (widget) afterCallback(widget, () => changed(widget));
  }
}

/**
 * What every preset means, as the server says with the node's schema.
 * @param {any} node
 * @returns {Record<string, Values> | undefined}
 */
function presetsOf(node) {
  return node.constructor.nodeData?.inputs?.preset?.svd_presets;
}

/**
 * @template Value
 * @param {Record<string, Value>} holder
 * @param {string} key
 * @returns {Value | undefined}
 */
function ownValue(holder, key) {
  return Object.hasOwn(holder, key) ? holder[key] : undefined;
}

/**
 * @param {any} node
 * @param {string} name
 */
function widgetOf(node, name) {
  return node.widgets?.find((/** @type {any} */ each) => each.name === name);
}

/**
 * Do something whenever a user has set a widget, in either renderer.
 * @param {any} widget
 * @param {() => void} then
 */
function afterCallback(widget, then) {
  const heard = widget.callback;
  widget.callback = function (/** @type {any[]} */ ...given) {
    const result = heard?.apply(this, given);
    then();
    return result;
  };
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function isSame(one, other) {
  if (typeof one !== "number" || typeof other !== "number") return one === other;
  return Math.abs(one - other) <= ROUNDING;
}
