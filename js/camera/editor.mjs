/**
 * The camera editor: a view of the text in the `keyframes` widget, and a hand that writes it.
 *
 * The text is the only state that lasts. While a drag goes on the editor shows a path that is
 * not written yet; at its end the text is written once, which is one step of undo.
 */

import { Controls } from "./controls.mjs";
import { isStart, keyframeAt, round, withChange, withKeyframe, withTime, withoutKeyframe } from "./edit.mjs";
import { NO_GUIDES, checked } from "./gestures.mjs";
import { heard } from "./keys.mjs";
import { smoothPose } from "./path.mjs";
import { PathError, readPath, writePath } from "./path_json.mjs";
import { Stage } from "./stage.mjs";

/** @typedef {import("./path.mjs").Path} Path */
/** @typedef {import("./path.mjs").Pose} Pose */
/**
 * What the editor needs of the page around it.
 * @typedef {{ text: () => string, write: (text: string) => void, linked: () => boolean,
 *   source: () => import("./source.mjs").Source, url: (file: any) => string,
 *   snapping: () => boolean, onGraphChange: (listener: () => void) => void }} Page
 * @typedef {{ time: number, view: string, mode: string, open: boolean }} Look  what undo, which makes the node anew, keeps
 */

const START = "The film starts from the picture itself. Move the play head to a later time.";
const LINKED = "The text comes from another node: edit it there.";

export class CameraEditor {
  /**
   * @param {HTMLElement} root
   * @param {Page} page
   * @param {AbortSignal} signal
   * @param {Partial<Look>} look
   */
  constructor(root, page, signal, look) {
    this.page = page;
    this.root = root;
    /** @type {Look} */
    this.look = { time: 1, view: "framing", mode: "turn", open: false, ...look };
    /** @type {Path} */
    this.path = readPath('{"keyframes": [{"time": 0}]}');
    /** @type {Path | null} a path that is shown but not written */
    this.draft = null;
    /** @type {string | null} */
    this.text = null;
    this.problem = "";
    this.hint = "";
    this.guides = NO_GUIDES;
    this.source = page.source();
    this.playing = false;
    this.frame = 0;
    this.controls = new Controls(this);
    this.stage = new Stage(this, this.controls.canvas, signal);
    this.read();
    if (look.time === undefined) this.look.time = this.path.keyframes[this.path.keyframes.length - 1].time || 1;
    this.listen(signal);
    this.refresh();
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    this.root.addEventListener("keydown", (event) => heard(this, event), { signal });
    this.root.addEventListener("keyup", () => this.commit(), { signal });
    this.root.addEventListener("focusout", () => this.commit(), { signal });
    this.root.addEventListener("pointerenter", () => this.refresh(), { signal });
    this.page.onGraphChange(() => this.refresh());
    signal.addEventListener("abort", () => {
      this.playing = false;
      cancelAnimationFrame(this.frame);
    });
  }

  /** Look at the graph and the text again: anything may have changed. */
  refresh() {
    this.source = this.page.source();
    this.stage.setSource(this.source);
    this.read();
    this.draw();
  }

  /** Take the text of the widget over, when it is another than the one known. */
  read() {
    const text = this.page.text();
    if (text === this.text) return;
    this.text = text;
    this.draft = null;
    try {
      this.path = readPath(text);
      this.problem = "";
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      this.problem = error.message;
    }
    this.draw();
  }

  /** The path as it is shown. */
  get shown() {
    return this.draft ?? this.path;
  }

  get locked() {
    return Boolean(this.problem) || this.page.linked();
  }

  /** Whether the framing can be taken hold of now. */
  get editable() {
    return !this.locked && !this.playing && this.look.view === "framing" && !isStart(this.shown, this.look.time);
  }

  /**
   * Show a path without writing it.
   * @param {{ path: Path | null, problem: string }} change
   */
  preview({ path, problem }) {
    this.hint = problem;
    if (path && !this.locked) this.draft = path;
    this.draw();
  }

  /** Write what is shown, if it is not written yet. */
  commit() {
    if (!this.draft || this.stage.gesture) return;
    this.path = this.draft;
    this.draft = null;
    this.text = writePath(this.path);
    this.page.write(this.text);
    this.draw();
  }

  /** Back to what is written. */
  revert() {
    this.draft = null;
    this.draw();
  }

  /** @param {Path} path */
  change(path) {
    if (this.locked) return;
    this.preview(checked(path));
    this.commit();
  }

  /** @param {number} time */
  scrub(time) {
    this.look.time = Math.min(1, Math.max(0, time));
    this.hint = "";
    this.draw();
  }

  addKeyframe() {
    this.change(withKeyframe(this.path, this.look.time));
  }

  removeKeyframe() {
    const index = keyframeAt(this.path, this.look.time);
    if (index < 0) this.say("There is no keyframe under the play head.");
    else if (this.path.keyframes.length < 2) this.say("A path needs at least one keyframe.");
    else this.change(withoutKeyframe(this.path, index));
  }

  /**
   * @param {number} index
   * @param {number} time
   */
  dragKeyframe(index, time) {
    if (this.locked) return;
    const path = withTime(this.path, index, time);
    this.look.time = path.keyframes[index].time;
    this.preview(checked(path));
  }

  /**
   * Go to the keyframe before (-1) or after (1) the play head.
   * @param {number} way
   */
  jump(way) {
    const times = this.path.keyframes.map(({ time }) => time);
    const ahead = times.filter((time) => (time - this.look.time) * way > 0.0005);
    if (ahead.length) this.scrub(way > 0 ? ahead[0] : ahead[ahead.length - 1]);
  }

  /**
   * A move of the keyframe under the play head, which is made if need be.
   * @param {keyof Pose} move
   * @param {number} value
   */
  setMove(move, value) {
    const path = withKeyframe(this.path, this.look.time);
    const index = keyframeAt(path, this.look.time);
    const pose = { ...path.keyframes[index].pose, [move]: round(value, 4) };
    this.change(withChange(path, index, { pose }));
  }

  /** @param {import("./easing.mjs").Ease} ease */
  setEase(ease) {
    const index = keyframeAt(this.path, this.look.time);
    if (index > 0) this.change(withChange(this.path, index, { ease }));
  }

  /**
   * @param {string} name  fov, degrees, cycles or seed
   * @param {number} value
   */
  setLens(name, value) {
    const path = name === "fov" ? { ...this.path, fov: value } : withShake(this.path, name, value);
    let problem = "";
    try {
      readPath(writePath(path));
    } catch (error) {
      problem = /** @type {Error} */ (error).message;
    }
    this.preview({ path: problem ? null : path, problem });
    this.commit();
  }

  /** @param {string} view */
  setView(view) {
    this.look.view = view;
    this.draw();
  }

  /** @param {string} mode */
  setMode(mode) {
    this.look.mode = mode;
    this.draw();
  }

  /** @param {string} sentence */
  say(sentence) {
    this.hint = sentence;
    this.draw();
  }

  /** Play the film as the camera would see it, over and over. */
  play() {
    this.commit();
    this.playing = !this.playing;
    const begun = performance.now() - (this.look.time < 1 ? this.look.time : 0) * this.source.seconds * 1000;
    const step = (/** @type {number} */ now) => {
      if (!this.playing || !this.root.isConnected) return;
      this.look.time = Math.max(0, (now - begun) / 1000 / this.source.seconds) % 1;
      this.draw();
      requestAnimationFrame(step);
    };
    if (this.playing) requestAnimationFrame(step);
    else this.scrub(Math.round(this.look.time * (this.source.frames - 1)) / Math.max(1, this.source.frames - 1));
  }

  /** @param {number} frames */
  step(frames) {
    const last = Math.max(1, this.source.frames - 1);
    this.scrub((Math.round(this.look.time * last) + frames) / last);
  }

  /** Draw once before the screen is next painted. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.controls?.show();
      this.stage?.draw();
    });
  }

  /** The sentence under the picture, and whether it tells of a mistake in the text. */
  get notice() {
    if (this.problem) return { words: this.problem, wrong: true };
    if (this.hint) return { words: this.hint, wrong: false };
    if (this.page.linked()) return { words: LINKED, wrong: false };
    const layers = this.path.layers.length;
    const kept = `${layers} more ${layers === 1 ? "layer moves" : "layers move"} at the same time: shown, and kept as in the text.`;
    return { words: layers && !this.playing ? kept : "", wrong: false };
  }

  /** The keyframes' own numbers at the play head. */
  get numbers() {
    return smoothPose(this.shown, this.look.time);
  }

  get startHint() {
    return START;
  }
}

/**
 * @param {Path} path
 * @param {string} name
 * @param {number} value
 * @returns {Path}
 */
function withShake(path, name, value) {
  return { ...path, shake: { ...path.shake, [name]: value } };
}
