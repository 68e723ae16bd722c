/** A piece of page on a node. It holds no state of the graph: that lives in ordinary widgets. */

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
  return { widget, signal: removal.signal };
}
