/** The line on SVD Sampler that says what the run takes of memory. */
import { addPanel } from "../graph/panel.mjs";
import { addStyle } from "../graph/style_sheet.mjs";
import { memoryLine } from "./words.mjs";

const HEIGHT = 30; // pixels

const STYLE = `
.svdstudio-memory { display: flex; flex-direction: column; justify-content: center; gap: 4px;
  box-sizing: border-box; max-height: 36px; padding: 2px 8px; font-size: 11px; line-height: 1.3;
  color: var(--descrip-text, #999); }
.svdstudio-memory[hidden] { display: none; }
.svdstudio-memory-text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.svdstudio-memory-bar { position: relative; height: 3px; border-radius: 2px; overflow: hidden;
  background: color-mix(in srgb, currentColor 25%, transparent); }
.svdstudio-memory-bar > * { position: absolute; inset: 0 auto 0 0; border-radius: inherit; }
.svdstudio-memory-planned { background: color-mix(in srgb, currentColor 45%, transparent); }
.svdstudio-memory-measured { background: var(--p-primary-color, #60a5fa); }
.svdstudio-memory[data-ran-out="true"] { color: #d9962b; }
.svdstudio-memory[data-ran-out="true"] .svdstudio-memory-measured { background: #d9962b; }
`;

/**
 * One node's line. It has no height until there is something to say, and is there from the start: in
 * Nodes 2.0 of 1.32 a node whose values were changed shows no panel that comes later.
 */
export class MemoryLine {
  /**
   * @param {any} node
   * @param {Document} document
   */
  constructor(node, document) {
    addStyle(document, "svdstudio-memory-style", STYLE);
    this.element = document.createElement("div");
    this.element.className = "svdstudio-memory";
    this.text = piece(this.element, "svdstudio-memory-text");
    const bar = piece(this.element, "svdstudio-memory-bar");
    this.planned = piece(bar, "svdstudio-memory-planned");
    this.measured = piece(bar, "svdstudio-memory-measured");
    this.element.hidden = true;
    this.node = node;
    this.widget = addPanel(node, {
      name: "svdstudio_memory",
      element: this.element,
      minHeight: () => (this.element.hidden ? 0 : HEIGHT),
    }).widget;
    this.widget.hidden = true; // or the classic canvas leaves a gap
  }

  /** @param {import("./words.mjs").MemoryFacts} facts */
  show(facts) {
    const line = memoryLine(facts);
    this.text.textContent = line.text;
    this.planned.style.width = `${100 * line.planned}%`;
    this.measured.style.width = `${100 * line.measured}%`;
    this.element.title = line.tooltip;
    this.element.dataset.ranOut = String(line.ranOut);
    this.reveal(true);
  }

  /** @param {boolean} isShown */
  reveal(isShown) {
    this.element.hidden = this.widget.hidden = !isShown;
    this.element.style.minHeight = isShown ? `${HEIGHT}px` : "0";
    const { node } = this;
    const [width, height] = node.size;
    const needed = node.computeSize()[1];
    if (height < needed) node.setSize([width, needed]);
    node.graph?.setDirtyCanvas?.(true, true);
  }
}

/**
 * @param {HTMLElement} parent
 * @param {string} className
 */
function piece(parent, className) {
  const made = parent.ownerDocument.createElement("div");
  made.className = className;
  parent.append(made);
  return made;
}
