/** What keys do while the editor has the focus. The others stay the graph's. */

import { isStart } from "./edit.mjs";
import { asked, nudged } from "./gestures.mjs";
import { poseAt } from "./path.mjs";

/** @typedef {import("./editor.mjs").CameraEditor} CameraEditor */

/** @type {Record<string, (editor: CameraEditor) => void>} */
const ACTS = {
  " ": (editor) => editor.play(),
  k: (editor) => editor.addKeyframe(),
  K: (editor) => editor.addKeyframe(),
  Delete: (editor) => editor.removeKeyframe(),
  Backspace: (editor) => editor.removeKeyframe(),
  "[": (editor) => editor.jump(-1),
  "]": (editor) => editor.jump(1),
  Home: (editor) => editor.scrub(0),
  End: (editor) => editor.scrub(1),
  ",": (editor) => editor.step(-1),
  ".": (editor) => editor.step(1),
};

/**
 * @param {CameraEditor} editor
 * @param {KeyboardEvent} event
 */
export function heard(editor, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select")) return;
  const presses = (event.key === " " || event.key === "Enter") && target.matches("button, summary");
  if (presses) event.stopPropagation();
  else if (acted(editor, event)) {
    event.preventDefault();
    event.stopPropagation();
  }
}

/**
 * @param {CameraEditor} editor
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key means something here
 */
function acted(editor, { key, shiftKey }) {
  if (ACTS[key]) {
    ACTS[key](editor);
    return true;
  }
  const { shown, look } = editor;
  const pose = nudged(key, shiftKey, look.mode, poseAt(shown, look.time));
  if (!pose) return false;
  if (editor.locked) return true;
  if (isStart(shown, look.time)) editor.say(editor.startHint);
  else editor.preview(asked(shown, look.time, pose));
  return true;
}
