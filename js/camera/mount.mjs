/** The camera editor on its node: the only one of these modules that knows ComfyUI's page. */

import { nodeByExecutionId } from "../graph/execution_ids.mjs";
import { addPanel } from "../graph/panel.mjs";

const LEAST_HEIGHT = 440;
const FIRST_SIZE = [460, 640];
const SNAP_SETTING = "svdstudio.camera.snap";

const SOON = 5000; // milliseconds

/**
 * What the editors of nodes that have just gone looked like. Undo makes every node anew, and nobody
 * wants the play head to jump then.
 * @type {Map<string, any>}
 */
const looks = new Map();

/**
 * The pictures that the server has shown for nodes whose `picture` the graph alone does not tell.
 * @type {Map<string, import("./source.mjs").PictureFile>}
 */
const results = new Map();

/**
 * @param {any} node
 * @param {any} app
 * @param {any} api
 */
export function mountCameraEditor(node, app, api) {
  const text = node.widgets.find((/** @type {any} */ each) => each.name === "keyframes");
  const root = document.createElement("div");
  root.className = "svd-camera widget-expands";
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Camera editor");
  const { signal } = addPanel(node, { name: "camera editor", element: root, minHeight: () => LEAST_HEIGHT });
  text.options.getMaxHeight = () => 90; // of the classic canvas: the editor takes what is left
  node.setSize([Math.max(node.size[0], FIRST_SIZE[0]), Math.max(node.size[1], FIRST_SIZE[1])]);
  keepEvents(root, app, signal);
  // Everything else is loaded when such a node is first seen, not with the page.
  const seen = new ResizeObserver(async () => {
    if (!root.isConnected) return;
    seen.disconnect();
    const [{ CameraEditor }, { findSource }] = await Promise.all([import("./editor.mjs"), import("./source.mjs")]);
    if (!signal.aborted) open({ CameraEditor, findSource, node, text, app, api, root, signal });
  });
  seen.observe(root);
  signal.addEventListener("abort", () => seen.disconnect());
}

/** @param {any} node */
const keyOf = (node) => `${node.graph?.id}:${node.id}`;

/** @param {any} parts */
function open({ CameraEditor, findSource, node, text, app, api, root, signal }) {
  const key = keyOf(node);
  const look = looks.get(key) ?? {};
  looks.delete(key);
  const page = pageOf({ findSource, node, text, app, api, signal, key });
  const editor = new CameraEditor(root, page, signal, look);
  const heard = text.callback;
  text.callback = function (/** @type {any[]} */ ...given) {
    const result = heard?.apply(this, given);
    editor.read();
    return result;
  };
  if (look.focused && document.activeElement === document.body) root.focus({ preventScroll: true });
  signal.addEventListener("abort", () => {
    const kept = { ...editor.look, focused: root.contains(document.activeElement) };
    looks.set(key, kept);
    setTimeout(() => looks.get(key) === kept && looks.delete(key), SOON);
  });
}

/**
 * What the editor asks of the page.
 * @param {any} parts
 * @returns {import("./editor.mjs").Page}
 */
function pageOf({ findSource, node, text, app, api, signal, key }) {
  const keepResult = (/** @type {any} */ { detail }) => {
    const [shown] = detail?.output?.svd_picture ?? [];
    if (shown && nodeByExecutionId(node.graph.rootGraph, detail.node) === node) results.set(key, shown);
  };
  api.addEventListener("executed", keepResult, { signal });
  return {
    text: () => String(text.value ?? ""),
    write(value) {
      app.canvas.emitBeforeChange();
      text.value = value;
      app.canvas.emitAfterChange();
    },
    linked: () => node.inputs?.some((/** @type {any} */ each) => each.name === "keyframes" && each.link != null) ?? false,
    source: () => findSource(node, node.graph.rootGraph ?? app.graph, results.get(key)),
    url: ({ filename, subfolder, type }) => api.apiURL(`/view?${new URLSearchParams({ filename, subfolder: subfolder ?? "", type })}`),
    snapping: () => app.extensionManager.setting.get(SNAP_SETTING) ?? true,
    onGraphChange(listener) {
      for (const kind of ["graphChanged", "executed"]) api.addEventListener(kind, listener, { signal });
    },
  };
}

/**
 * Dragging in the editor must not drag the node; the wheel and its button are the graph's.
 * @param {HTMLElement} root
 * @param {any} app
 * @param {AbortSignal} signal
 */
function keepEvents(root, app, signal) {
  const inClassic = () => root.closest(".dom-widget") !== null;
  const act = { pointerdown: "processMouseDown", pointermove: "processMouseMove", pointerup: "processMouseUp" };
  for (const [kind, forwarded] of Object.entries(act)) {
    const listen = (/** @type {Event} */ event) => {
      const { button, buttons } = /** @type {PointerEvent} */ (event);
      const middle = button === 1 || (buttons & 4) === 4;
      if (!middle) event.stopPropagation();
      else if (inClassic()) app.canvas[forwarded](event);
    };
    root.addEventListener(kind, listen, { signal });
  }
  const wheel = (/** @type {WheelEvent} */ event) => {
    if (!inClassic()) return;
    event.preventDefault();
    app.canvas.processMouseWheel(event);
  };
  root.addEventListener("wheel", wheel, { signal, passive: false });
}
