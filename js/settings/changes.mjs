/** Settings of ours that change while nodes are shown. */

const changed = new EventTarget();

/**
 * For a setting's `onChange`, which ComfyUI calls shortly before it keeps the new value.
 * @param {string} id
 */
export function settingChanged(id) {
  setTimeout(() => changed.dispatchEvent(new Event(id)));
}

/**
 * Call `update` when the user changes a setting, until `signal` aborts.
 * @param {string} id
 * @param {() => void} update
 * @param {AbortSignal} [signal]
 */
export function onSetting(id, update, signal) {
  changed.addEventListener(id, update, { signal });
}
