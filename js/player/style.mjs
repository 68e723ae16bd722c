/** How the player looks: ComfyUI's own colours, so in light and dark themes. */
export const STYLE = `
.svdstudio-film { display: flex; flex-direction: column; gap: 4px; box-sizing: border-box;
  width: 100%; height: 100%; padding: 2px 4px 4px; font-size: 11px; line-height: 1.3;
  color: var(--descrip-text, #999); border-radius: 6px; outline: none; }
.svdstudio-film:focus-visible { box-shadow: 0 0 0 2px var(--p-primary-color, #60a5fa); }
.svdstudio-film-screen { position: relative; flex: 1 1 0; min-height: 0; border-radius: 4px;
  overflow: hidden; background: #000; display: flex; align-items: center; justify-content: center; }
.svdstudio-film-screen > video, .svdstudio-film-screen > img { width: 100%; height: 100%;
  object-fit: contain; position: absolute; inset: 0; }
.svdstudio-film-screen > p { position: relative; margin: 0; padding: 8px; color: #ddd;
  text-align: center; }
.svdstudio-film-controls { display: flex; align-items: center; gap: 2px; flex: none; }
.svdstudio-film-controls > button, .svdstudio-film-controls > select { height: 22px; margin: 0;
  flex: none; padding: 0; border: 1px solid transparent; border-radius: 4px; background: transparent;
  color: var(--input-text, #ddd); font: inherit; cursor: pointer; }
.svdstudio-film-controls > button { width: 22px; display: inline-flex; align-items: center;
  justify-content: center; }
.svdstudio-film-controls > select { background: var(--comfy-input-bg, #222); padding: 0 2px; }
.svdstudio-film-controls > button:hover, .svdstudio-film-controls > select:hover {
  background: color-mix(in srgb, currentColor 18%, transparent); }
.svdstudio-film-controls > [aria-pressed="false"] { opacity: 0.45; }
.svdstudio-film-controls > [aria-pressed="true"] { color: var(--p-primary-color, #60a5fa); }
.svdstudio-film-controls > :focus-visible { outline: 2px solid var(--p-primary-color, #60a5fa);
  outline-offset: 0; }
.svdstudio-film-controls > input { flex: 1 1 30px; min-width: 30px; height: 22px; margin: 0 4px;
  accent-color: var(--p-primary-color, #60a5fa); cursor: pointer; }
.svdstudio-film-controls svg { width: 14px; height: 14px; fill: currentColor; }
.svdstudio-film [hidden] { display: none; }
.svdstudio-film-line { display: flex; flex: none; gap: 0.4em; white-space: nowrap; overflow: hidden;
  font-variant-numeric: tabular-nums; }
.svdstudio-film-line > :first-child { overflow: hidden; text-overflow: ellipsis; }
.svdstudio-film-place { flex: none; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.svdstudio-film:fullscreen { padding: 8px; background: #000; color: #aaa; font-size: 14px; }
.svdstudio-film:fullscreen .svdstudio-film-controls > * { color: #ddd; }
`;
