/** Values of a node's widgets: read, set, and set back. */

/** @typedef {import("./built_in.mjs").Values} Values */

/**
 * The widgets that the server knows, with their values; not the ones that only the page has, such
 * as "control after generate".
 * @param {any} node
 * @returns {Values}
 */
export function valuesOf(node) {
  const known = inputsOf(node);
  return Object.fromEntries(
    (node.widgets ?? [])
      .filter((/** @type {any} */ { name, value }) => Object.hasOwn(known, name) && isPlain(value))
      .map((/** @type {any} */ { name, value }) => [name, value]),
  );
}

/**
 * The values that a new node has, as far as its schema names them.
 * @param {any} node
 * @returns {Values}
 */
export function defaultsOf(node) {
  const known = inputsOf(node);
  const present = valuesOf(node);
  return Object.fromEntries(
    Object.entries(known)
      .filter(([name, { default: value }]) => Object.hasOwn(present, name) && isPlain(value))
      .map(([name, input]) => [name, input.default]),
  );
}

/**
 * Set widgets as a user's hand would, in one step of undo. Where a value comes from another node it
 * is left alone, and so is a value that a menu does not offer here, such as a file.
 * @param {any} node
 * @param {Values} values
 * @param {any} canvas  ComfyUI's: it tells the history of what begins and ends
 * @returns {{ linked: string[], unknown: string[] }}  widgets that kept their values
 */
export function applyValues(node, values, canvas) {
  const linked = Object.keys(values).filter((name) => isLinked(node, name));
  /** @type {string[]} */
  const unknown = [];
  canvas.emitBeforeChange?.();
  for (const [name, value] of Object.entries(values)) {
    if (linked.includes(name)) continue;
    const widget = node.widgets?.find((/** @type {any} */ each) => each.name === name);
    if (widget && offers(widget, value)) {
      widget.value = value;
      widget.callback?.(value, canvas, node);
    } else unknown.push(name);
  }
  canvas.emitAfterChange?.();
  canvas.setDirty?.(true, true);
  return { linked, unknown };
}

/**
 * @param {any} node
 * @param {string} name
 */
function isLinked(node, name) {
  return Boolean(
    node.inputs?.some(
      (/** @type {any} */ { widget, link }) => widget?.name === name && link !== null && link !== undefined,
    ),
  );
}

/**
 * @param {any} widget
 * @param {string | number | boolean} value
 */
function offers(widget, value) {
  const { type, options } = widget;
  if (type === "combo") {
    const offered = typeof options?.values === "function" ? options.values() : options?.values;
    return !Array.isArray(offered) || offered.includes(value);
  }
  if (typeof widget.value !== typeof value) return false;
  return typeof value !== "number" || (value >= (options?.min ?? -Infinity) && value <= (options?.max ?? Infinity));
}

/**
 * @param {any} node
 * @returns {Record<string, any>}
 */
function inputsOf(node) {
  return node.constructor?.nodeData?.inputs ?? {};
}

/** @param {unknown} value */
function isPlain(value) {
  return ["string", "number", "boolean"].includes(typeof value);
}
