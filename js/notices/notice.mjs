/** Messages to the user: ComfyUI's toasts, and our own where those of this version have no button. */
import { addStyle } from "../graph/style_sheet.mjs";

const PLACE = "svdstudio-notices";

const STYLE = `
#${PLACE} { position: fixed; right: 16px; bottom: 72px; z-index: 9999; display: flex;
  flex-direction: column; gap: 8px; width: min(400px, calc(100vw - 32px)); pointer-events: none; }
.svdstudio-notice { pointer-events: auto; box-sizing: border-box; padding: 12px 14px; font-size: 13px;
  line-height: 1.4; color: var(--input-text, #ddd); background: var(--comfy-menu-bg, #353535);
  border: 1px solid var(--border-color, #4e4e4e); border-left: 4px solid #d4574e; border-radius: 8px;
  box-shadow: 0 4px 16px rgb(0 0 0 / 35%); font-family: inherit; }
.svdstudio-notice-head { display: flex; gap: 8px; align-items: start; font-weight: 600; }
.svdstudio-notice-head > :first-child { flex: 1; overflow-wrap: anywhere; }
.svdstudio-notice p { margin: 4px 0 10px; overflow-wrap: anywhere; white-space: pre-line;
  max-height: 30vh; overflow-y: auto; }
.svdstudio-notice button { font: inherit; color: inherit; cursor: pointer; border-radius: 6px;
  border: 1px solid var(--border-color, #4e4e4e); background: var(--comfy-input-bg, #222);
  padding: 4px 10px; }
.svdstudio-notice-head button { border-color: transparent; background: none; padding: 0 6px; }
.svdstudio-notice button:hover { border-color: var(--p-primary-color, #60a5fa); }
.svdstudio-notice button:focus-visible { outline: 2px solid var(--p-primary-color, #60a5fa);
  outline-offset: 1px; }
`;

/**
 * @typedef {{ severity: "success" | "info" | "warning" | "error", title: string, text: string,
 *   action?: { label: string, run: () => void }, seconds?: number }} Message
 *   without `seconds` it stays until the user closes it
 */

/**
 * Show a message; returns what takes it away.
 * @param {any} app
 * @param {Document} document
 * @param {Message} message
 * @returns {() => void}
 */
export function notify(app, document, message) {
  const { toast } = app.extensionManager;
  const { severity, title, text, action, seconds } = message;
  if (toast[severity]) {
    const id = toast[severity](title, {
      description: text,
      duration: seconds ? 1000 * seconds : undefined,
      action: action && { label: action.label, onClick: action.run },
    });
    return () => toast.dismiss?.(id);
  }
  if (action) return ownNotice(document, message);
  const shown = {
    severity: severity === "warning" ? "warn" : severity,
    summary: title,
    detail: text,
    life: seconds && 1000 * seconds,
  };
  toast.add(shown);
  return () => toast.remove(shown);
}

/**
 * @param {Document} document
 * @param {Message} message
 */
function ownNotice(document, { title, text, action }) {
  addStyle(document, `${PLACE}-style`, STYLE);
  const notice = element(document, "div", "svdstudio-notice");
  notice.setAttribute("role", "alert");
  const close = () => notice.remove();
  const head = element(document, "div", "svdstudio-notice-head");
  head.append(
    element(document, "div", "", title),
    button(document, "×", "Close this message", close),
  );
  notice.append(head, element(document, "p", "", text));
  if (action) notice.append(button(document, action.label, action.label, action.run));
  place(document).append(notice);
  return close;
}

/** @param {Document} document */
function place(document) {
  const found = document.getElementById(PLACE);
  if (found) return found;
  const made = element(document, "div", "");
  made.id = PLACE;
  document.body.append(made);
  return made;
}

/**
 * @param {Document} document
 * @param {string} tag
 * @param {string} className
 * @param {string} [text]
 */
function element(document, tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/**
 * @param {Document} document
 * @param {string} text
 * @param {string} says  what it does, for who cannot see it
 * @param {() => void} press
 */
function button(document, text, says, press) {
  const made = element(document, "button", "", text);
  made.setAttribute("type", "button");
  made.setAttribute("aria-label", says);
  made.title = says;
  made.addEventListener("click", press);
  return made;
}
