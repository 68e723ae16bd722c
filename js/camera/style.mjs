/** The look of the camera editor, in the colours of ComfyUI's theme. */

export const STYLE = `
.svd-camera {
  --accent: var(--p-primary-color, #4a9eff);
  --line: color-mix(in srgb, var(--border-color, #555) 70%, transparent);
  --soft: color-mix(in srgb, var(--input-text, #ddd) 8%, transparent);
  display: flex; flex-direction: column; gap: 6px; box-sizing: border-box; height: 100%; min-width: 0;
  padding: 8px; border-radius: 8px; outline: none; overflow: hidden; user-select: none;
  background: var(--comfy-menu-bg, #353535); color: var(--input-text, #ddd);
  font: 11px/1.35 Inter, system-ui, sans-serif; font-variant-numeric: tabular-nums;
}
.svd-camera:focus-visible { box-shadow: inset 0 0 0 1.5px var(--accent); }
.svd-camera .bar { display: flex; align-items: center; gap: 6px; min-height: 24px; }
.svd-camera .space { flex: 1; }
.svd-camera .note { color: var(--descrip-text, #999); white-space: nowrap; }
.svd-camera button, .svd-camera select, .svd-camera input {
  box-sizing: border-box; height: 24px; margin: 0; font: inherit; color: inherit; border: 1px solid transparent;
  border-radius: 6px; background: var(--comfy-input-bg, #222); outline: none;
}
.svd-camera button { padding: 0 9px; cursor: pointer; }
.svd-camera button:hover, .svd-camera select:hover, .svd-camera input:hover { border-color: var(--line); }
.svd-camera :is(button, select, input, summary):focus-visible { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.svd-camera :disabled { opacity: .4; cursor: default; }
.svd-camera button.icon { width: 28px; padding: 0; display: inline-grid; place-items: center; }
.svd-camera button.icon svg { width: 14px; height: 14px; fill: currentColor; }
.svd-camera button.main { background: var(--accent); color: var(--p-primary-contrast-color, #111); }
.svd-camera .segments { display: flex; padding: 2px; border-radius: 7px; background: var(--comfy-input-bg, #222); }
.svd-camera .segments button { height: 20px; background: none; color: var(--descrip-text, #999); border-radius: 5px; }
.svd-camera .segments button[aria-pressed="true"] {
  background: color-mix(in srgb, var(--input-text, #ddd) 16%, transparent); color: var(--input-text, #ddd);
}
.svd-camera .stage {
  position: relative; flex: 1 1 150px; min-height: 150px; border-radius: 6px; overflow: hidden;
  background: color-mix(in srgb, var(--comfy-input-bg, #222) 80%, #000);
}
.svd-camera .stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; }
.svd-camera .hint {
  position: absolute; left: 8px; right: 8px; bottom: 8px; width: fit-content; max-width: calc(100% - 16px); margin: 0 auto;
  padding: 4px 10px; box-sizing: border-box; border-radius: 12px; background: #000b; color: #eee; pointer-events: none;
  user-select: text;
}
.svd-camera .hint:empty { display: none; }
.svd-camera .hint.problem { background: #7a1f24ee; color: #fff; }
.svd-camera .timeline { position: relative; height: 40px; margin: 0 9px; touch-action: none; cursor: pointer; outline: none; border-radius: 4px; }
.svd-camera .timeline:focus-visible { box-shadow: 0 0 0 1px var(--accent); }
.svd-camera .timeline::before { content: ""; position: absolute; inset: 0 -9px; border-radius: 6px; background: var(--comfy-input-bg, #222); }
.svd-camera .timeline svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; pointer-events: none; }
.svd-camera .timeline .frame { stroke: var(--line); vector-effect: non-scaling-stroke; }
.svd-camera .timeline .speed { fill: color-mix(in srgb, var(--accent) 16%, transparent); stroke: color-mix(in srgb, var(--accent) 65%, transparent); vector-effect: non-scaling-stroke; }
.svd-camera .timeline .head { position: absolute; top: -2px; bottom: -2px; width: 2px; margin-left: -1px; background: var(--input-text, #ddd); border-radius: 1px; pointer-events: none; }
.svd-camera .timeline .head::before { content: ""; position: absolute; top: 0; left: -4px; border: 5px solid transparent; border-top: 6px solid var(--input-text, #ddd); }
.svd-camera .timeline button {
  position: absolute; bottom: 5px; width: 12px; height: 12px; margin-left: -6px; padding: 0; border-radius: 2px; rotate: 45deg;
  border: 1.5px solid var(--comfy-input-bg, #222); background: var(--input-text, #ddd); cursor: ew-resize;
}
.svd-camera .timeline button[aria-current="true"] { background: var(--accent); scale: 1.2; }
.svd-camera .fields { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 5px; }
.svd-camera label { display: flex; align-items: center; gap: 4px; min-width: 0; }
.svd-camera .fields label { position: relative; }
.svd-camera .fields label span { position: absolute; left: 8px; color: var(--descrip-text, #999); pointer-events: none; }
.svd-camera .fields label i { position: absolute; right: 8px; width: 8px; font-style: normal; color: var(--descrip-text, #999); pointer-events: none; }
.svd-camera .fields input { width: 100%; padding: 0 18px 0 54px; text-align: right; }
.svd-camera .fields input.plain { padding-right: 8px; }
.svd-camera .fields label.moved span { color: var(--accent); }
.svd-camera .fields.between input { font-style: italic; opacity: .8; }
.svd-camera input { appearance: textfield; -moz-appearance: textfield; }
.svd-camera input::-webkit-inner-spin-button { display: none; }
.svd-camera details { flex: none; }
.svd-camera summary { width: fit-content; color: var(--descrip-text, #999); cursor: pointer; outline: none; border-radius: 4px; border: 1px solid transparent; }
.svd-camera details .bar { margin-top: 4px; flex-wrap: wrap; }
.svd-camera details input { width: 62px; padding: 0 6px; text-align: right; }
.svd-camera details label { color: var(--descrip-text, #999); }
.svd-camera details label input { color: var(--input-text, #ddd); }
/* Nodes 2.0 gives the text as much room as the editor; the text needs little. */
.lg-node-widget:has(+ .lg-node-widget .svd-camera):not(:focus-within) { flex: 0 0 72px; }
`;
