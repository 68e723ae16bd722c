/** A menu of our own, for where ComfyUI's menu of a node has no place for entries of others. */
import { addStyle } from "../graph/style_sheet.mjs";

const STYLE = `
.svdstudio-popup { position: fixed; z-index: 9998; display: flex; flex-direction: column; padding: 4px;
  max-height: 70vh; overflow-y: auto; font-size: 13px; color: var(--input-text, #ddd);
  background: var(--comfy-menu-bg, #353535); border: 1px solid var(--border-color, #4e4e4e);
  border-radius: 8px; box-shadow: 0 4px 16px rgb(0 0 0 / 35%); }
.svdstudio-popup button { font: inherit; color: inherit; text-align: start; cursor: pointer; border: 0;
  border-radius: 6px; background: none; padding: 6px 12px; }
.svdstudio-popup button:hover, .svdstudio-popup button:focus-visible {
  background: var(--comfy-input-bg, #222); outline: 1px solid var(--p-primary-color, #60a5fa); }
.svdstudio-popup hr { width: 100%; margin: 4px 0; border: 0;
  border-top: 1px solid var(--border-color, #4e4e4e); }
`;

/**
 * Show entries; a choice, Escape and a press elsewhere close it. Arrow keys move.
 * @param {Document} document
 * @param {({ content: string, callback: () => void } | null)[]} entries  null is a line between
 * @param {{ left: number, top: number }} place  on the screen
 */
export function showPopup(document, entries, place) {
  addStyle(document, "svdstudio-popup-style", STYLE);
  const menu = document.createElement("div");
  menu.className = "svdstudio-popup";
  menu.setAttribute("role", "menu");
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const closing = new AbortController();
  const close = () => {
    closing.abort();
    menu.remove();
    before?.focus?.();
  };
  menu.append(...entries.map((entry) => row(document, entry, close)));
  const { signal } = closing;
  menu.addEventListener("keydown", (event) => onKey(event, menu, close), { signal });
  document.addEventListener(
    "pointerdown",
    (event) => menu.contains(/** @type {Node} */ (event.target)) || close(),
    { capture: true, signal },
  );
  document.body.append(menu);
  keepInside(menu, place);
  menu.querySelector("button")?.focus();
}

/**
 * @param {Document} document
 * @param {{ content: string, callback: () => void } | null} entry
 * @param {() => void} close
 */
function row(document, entry, close) {
  if (!entry) return document.createElement("hr");
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = entry.content;
  made.setAttribute("role", "menuitem");
  made.addEventListener("click", () => {
    close();
    entry.callback();
  });
  return made;
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} menu
 * @param {() => void} close
 */
function onKey(event, menu, close) {
  // Keys are the menu's: ComfyUI would delete or move the node.
  event.stopPropagation();
  const rows = [...menu.querySelectorAll("button")];
  const at = rows.findIndex((each) => each === menu.ownerDocument.activeElement);
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key in steps) {
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    rows[(at + step + rows.length) % rows.length]?.focus();
  } else return;
  event.preventDefault();
}

/**
 * @param {HTMLElement} menu
 * @param {{ left: number, top: number }} place
 */
function keepInside(menu, { left, top }) {
  const { width, height } = menu.getBoundingClientRect();
  const { innerWidth, innerHeight } = menu.ownerDocument.defaultView ?? globalThis.window;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}
