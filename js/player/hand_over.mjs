/** What a mouse does over a panel and means the graph: zoom, move, and the node's menu. */

const LEFT = 0;

/**
 * Give the wheel and the other buttons to the classic canvas. In Nodes 2.0 the panel is inside its
 * node, which sees them by itself.
 * @param {HTMLElement} element
 * @param {HTMLCanvasElement} canvas
 * @param {AbortSignal} signal
 */
export function handOver(element, canvas, signal) {
  const inNode = () => element.closest("[data-node-id]") !== null;
  const full = () => element.ownerDocument.fullscreenElement === element;
  /** @param {any} event */
  const give = (event) => {
    if (inNode() || full()) return;
    event.preventDefault();
    event.stopPropagation();
    canvas.dispatchEvent(new event.constructor(event.type, event));
  };
  /** @param {PointerEvent} event */
  const giveOthers = (event) => {
    if (event.button !== LEFT) give(event);
  };
  element.addEventListener("wheel", give, { signal, passive: false });
  element.addEventListener("pointerdown", giveOthers, { signal, capture: true });
  element.addEventListener("pointerup", giveOthers, { signal, capture: true });
  element.addEventListener(
    "contextmenu",
    (event) => {
      if (!inNode()) event.preventDefault();
    },
    { signal },
  );
}
