/** A piece of page on a node. It holds no state of the graph: that lives in ordinary widgets. */

const SOON = 5000; // milliseconds

/**
 * Panels of nodes that have just gone, by graph, node and name.
 * @type {Map<string, HTMLElement>}
 */
const gone = new Map();

/**
 * Put `element` on the node, below its widgets, in the classic canvas as in Nodes 2.0.
 *
 * Returns a signal that aborts when the node is removed: give it to every listener.
 * @param {any} node
 * @param {{ name: string, element: HTMLElement, minHeight: () => number }} panel  height in pixels
 * @returns {{ widget: any, signal: AbortSignal }}
 */
export function addPanel(node, { name, element, minHeight }) {
  const removal = new AbortController();
  // The Vue renderer sizes a panel by its content, which may not have loaded yet.
  element.style.minHeight = `${minHeight()}px`;
  const widget = node.addDOMWidget(name, name, element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: minHeight,
  });
  widget.serialize = false; // the file; the option above is for the prompt
  const removed = widget.onRemove;
  widget.onRemove = () => {
    removal.abort();
    removed?.call(widget);
  };
  const page = element.ownerDocument?.defaultView;
  // The node gets its id and its graph, and the page its elements, after this.
  page?.requestAnimationFrame(() =>
    page.requestAnimationFrame(() => takePlace(node, name, element, removal.signal)),
  );
  return { widget, signal: removal.signal };
}

/**
 * Undo makes every node anew, but Nodes 2.0 of ComfyUI 0.3.75 goes on showing the panels of the
 * nodes that have gone, and their listeners with them: put the living one into the dead one's place.
 * @param {any} node
 * @param {string} name
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 */
function takePlace(node, name, element, signal) {
  if (signal.aborted) return;
  const key = `${node.graph?.id}:${node.id}:${name}`;
  const old = gone.get(key);
  if (old?.isConnected && !element.isConnected) old.replaceWith(element);
  gone.delete(key);
  signal.addEventListener("abort", () => {
    gone.set(key, element);
    setTimeout(() => gone.get(key) === element && gone.delete(key), SOON);
  });
}
