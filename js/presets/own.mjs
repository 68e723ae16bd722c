/** The user's own presets, kept in ComfyUI's settings: {node type: {name: values}}. */

/** @typedef {import("./built_in.mjs").Values} Values */
/** @typedef {import("./built_in.mjs").Preset} Preset */
/** @typedef {Record<string, Record<string, Values>>} Kept */

const LONGEST = 60; // characters of a name

/**
 * A name as it may stand in ComfyUI's menus, which read HTML; empty if nothing is left of it.
 * @param {string} name
 */
export function tidyName(name) {
  return name
    .replace(/[<>&]/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, LONGEST);
}

/**
 * The presets for a type of node, in the order of their names.
 * @param {unknown} kept  of the setting: a file that anybody may have changed
 * @param {string} type
 * @returns {Preset[]}
 */
export function presetsFor(kept, type) {
  return Object.entries(objectIn(objectIn({ kept }, "kept"), type))
    .filter(([name, values]) => name === tidyName(name) && values && typeof values === "object")
    .map(([name, values]) => ({ name, values }))
    .sort((one, other) => one.name.localeCompare(other.name));
}

/**
 * The setting with one preset more, or with another one in its place.
 * @param {unknown} kept
 * @param {string} type
 * @param {Preset} preset
 * @returns {Kept}
 */
export function withPreset(kept, type, { name, values }) {
  const all = objectIn({ kept }, "kept");
  return { ...all, [type]: { ...objectIn(all, type), [name]: values } };
}

/**
 * @param {unknown} kept
 * @param {string} type
 * @param {string} name
 * @returns {Kept}
 */
export function withoutPreset(kept, type, name) {
  const all = objectIn({ kept }, "kept");
  const others = Object.entries(objectIn(all, type)).filter(([each]) => each !== name);
  return { ...all, [type]: Object.fromEntries(others) };
}

/**
 * @param {Record<string, any>} holder
 * @param {string} key
 * @returns {Record<string, any>}
 */
function objectIn(holder, key) {
  const found = Object.hasOwn(holder, key) ? holder[key] : null;
  return found && typeof found === "object" && !Array.isArray(found) ? found : {};
}
