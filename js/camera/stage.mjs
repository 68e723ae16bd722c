/** The large picture of the editor: it is drawn here, and taken hold of. */

import { FilmFrame, drawFraming } from "./draw.mjs";
import { NO_GUIDES, pathOf } from "./gestures.mjs";
import { poseAt } from "./path.mjs";
import { gridPicture, loadPicture } from "./picture.mjs";
import { layOut } from "./scene.mjs";
import { follow } from "./timeline.mjs";
import { framing } from "./view.mjs";
import { handlesOf, partAt, showAll, toPicture } from "./viewport.mjs";

const SNAP_PIXELS = 6;
const CURSORS = ["nwse-resize", "nesw-resize", "nwse-resize", "nesw-resize"];

export class Stage {
  /**
   * @param {import("./editor.mjs").CameraEditor} editor
   * @param {HTMLCanvasElement} canvas
   * @param {AbortSignal} signal
   */
  constructor(editor, canvas, signal) {
    this.editor = editor;
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.film = new FilmFrame();
    this.accent = "#4a9eff";
    this.picture = gridPicture(9 / 16);
    /** @type {string | null} */
    this.url = null;
    this.hasPicture = false;
    /** @type {import("./gestures.mjs").Gesture | null} */
    this.gesture = null;
    this.viewport = { scale: 1, x: 0, y: 0 };
    const resize = new ResizeObserver(() => editor.draw());
    resize.observe(canvas);
    signal.addEventListener("abort", () => resize.disconnect());
    canvas.addEventListener("pointerdown", (event) => this.take(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.hover(event), { signal });
  }

  /**
   * Show another picture, or the grid where there is none.
   * @param {import("./source.mjs").Source} source
   */
  setSource({ file }) {
    const url = file ? this.editor.page.url(file) : "";
    if (url === this.url) return;
    this.url = url;
    this.hasPicture = false;
    if (!url) return this.editor.draw();
    const arrived = (/** @type {import("./picture.mjs").Picture | null} */ picture) => {
      if (this.url !== url) return;
      this.hasPicture = picture !== null;
      if (picture) this.picture = picture;
      this.editor.draw();
    };
    loadPicture(url).then(arrived, () => arrived(null));
  }

  /** Height / width of the film. */
  get aspect() {
    return this.editor.source.aspect ?? (this.hasPicture ? this.picture.aspect : 9 / 16);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = this.fitPixels(width, height);
    const { editor, aspect, accent } = this;
    if (!this.hasPicture && Math.abs(this.picture.aspect - aspect) > 0.01) this.picture = gridPicture(aspect);
    const scene = layOut(this.picture.aspect, aspect, editor.source.fit);
    const path = editor.shown;
    // A picture that moves away under the hand cannot be aimed at.
    if (!this.gesture) this.viewport = showAll(path, scene, aspect, { width, height });
    const { time } = editor.look;
    const { frames } = editor.source;
    const { viewport, picture } = this;
    const { editable, guides } = editor;
    const shown = { path, time, frames, aspect, picture, scene, viewport, width, height, editable, accent, guides };
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (editor.playing || editor.look.view === "film") this.film.draw(this.context, shown, ratio);
    else drawFraming(this.context, shown);
  }

  /**
   * As many pixels as the screen shows, however far the graph is zoomed.
   * @param {number} width
   * @param {number} height
   */
  fitPixels(width, height) {
    const zoom = this.canvas.getBoundingClientRect().width / width;
    const ratio = Math.min(2, Math.max(1, Math.round(devicePixelRatio * zoom * 4) / 4));
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      Object.assign(this.canvas, { width: wide, height: high });
      this.accent = getComputedStyle(this.canvas).getPropertyValue("--p-primary-color").trim() || this.accent;
    }
    return ratio;
  }

  /**
   * @param {PointerEvent} event
   * @returns {import("./view.mjs").Point} on the stage
   */
  placeOf(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const scale = this.canvas.clientWidth / width;
    return [(event.clientX - left) * scale, (event.clientY - top) * scale];
  }

  /** @param {import("./view.mjs").Point} place */
  partAt(place) {
    const { shown, look } = this.editor;
    const quad = framing(poseAt(shown, look.time), shown.fov, this.aspect);
    return quad ? partAt(handlesOf(this.viewport, quad), place) : "";
  }

  /** @param {PointerEvent} event */
  hover(event) {
    if (this.gesture) return;
    const part = this.editor.editable ? this.partAt(this.placeOf(event)) : "";
    const corner = part.startsWith("corner") ? CURSORS[Number(part.slice(-1))] : "";
    this.canvas.style.cursor = corner || (part === "roll" ? "grab" : part === "inside" ? "move" : "default");
  }

  /** @param {PointerEvent} event */
  take(event) {
    if (event.button !== 0) return;
    const { editor } = this;
    editor.root.focus({ preventScroll: true });
    if (editor.playing) return editor.play();
    const place = this.placeOf(event);
    const part = this.partAt(place);
    if (!editor.editable) {
      if (!editor.locked && editor.look.view === "framing" && part) editor.say(editor.startHint);
      return;
    }
    if (!part) return;
    editor.commit();
    const scene = layOut(this.picture.aspect, this.aspect, editor.source.fit);
    this.gesture = {
      path: editor.path,
      time: editor.look.time,
      part,
      from: toPicture(this.viewport, place),
      mode: editor.look.mode,
      aspect: this.aspect,
      picture: scene.picture,
    };
    follow(this.canvas, event, { move: (each) => this.drag(each), end: (kept) => this.release(kept) });
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.gesture) return;
    const { editor } = this;
    const snap = editor.page.snapping() && !event.altKey;
    const keys = { snap, straight: event.shiftKey, reach: SNAP_PIXELS / this.viewport.scale };
    const change = pathOf(this.gesture, toPicture(this.viewport, this.placeOf(event)), keys);
    editor.guides = change.guides;
    editor.preview(change);
  }

  /** @param {boolean} kept */
  release(kept) {
    this.gesture = null;
    this.editor.guides = NO_GUIDES;
    this.editor.hint = "";
    if (kept) this.editor.commit();
    else this.editor.revert();
    this.editor.draw();
  }
}
