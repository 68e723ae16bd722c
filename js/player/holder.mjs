/**
 * The place of a player on its node, there from the beginning and without height until there is a
 * film: Nodes 2.0 in front end 1.32 shows no widget that comes after one was changed by hand.
 */
import { addPanel } from "../graph/panel.mjs";

const GAP = 4; // pixels that the classic canvas leaves between widgets

export class Holder {
  /**
   * @param {any} node
   * @param {HTMLElement} element  empty
   */
  constructor(node, element) {
    this.node = node;
    this.element = element;
    this.height = () => 0;
    const { widget, signal } = addPanel(node, {
      name: "svdstudio_film",
      element,
      minHeight: () => this.height(),
    });
    this.widget = widget;
    this.signal = signal;
    // Empty, it must neither make the node taller nor lie over free space of it, which moves it.
    widget.computeSize = () => [0, -GAP];
  }

  /**
   * Make room, now and whenever the editor asks.
   * @param {() => number} height  in pixels
   * @param {number} margin  how much less the element has
   */
  fit(height, margin) {
    this.height = height;
    this.widget.computeSize = undefined; // from now on by its least height
    this.element.style.minHeight = `${height() - margin}px`;
    // In the classic canvas at once, not at its next drawing but one. Nodes 2.0 goes by the element.
    if (this.element.closest(".dom-widget")) this.node.expandToFitContent?.();
    this.node.setDirtyCanvas?.(true, true);
  }
}
