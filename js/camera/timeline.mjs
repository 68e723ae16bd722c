/** The time line: keyframes as diamonds, the play head, and how fast the camera gets along. */

import { make, makeSvg } from "./dom.mjs";
import { easeAt } from "./easing.mjs";
import { keyframeAt } from "./edit.mjs";
import { snapTime } from "./snap.mjs";

/** @typedef {import("./path.mjs").Path} Path */
/**
 * @typedef {{ scrub: (time: number) => void, add: (time: number) => void,
 *   drag: (index: number, time: number) => void, drop: () => void, cancel: () => void,
 *   snaps: (event: PointerEvent | MouseEvent) => boolean }} Acts
 */

const STILL_HAND = 3; // pixels that a click may move

export class Timeline {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.frames = 1;
    /** @type {HTMLButtonElement[]} */
    this.diamonds = [];
    this.graph = makeSvg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.head = make("div", { class: "head" });
    this.element = make("div", { class: "timeline", role: "slider", tabindex: "0", "aria-label": "Play head", "aria-valuemin": "1" });
    this.element.append(this.graph, this.head);
    this.element.addEventListener("pointerdown", (event) => this.scrubFrom(event));
    this.element.addEventListener("dblclick", (event) => this.acts.add(this.timeAt(event)));
    this.drawn = "";
  }

  /**
   * @param {Path} path
   * @param {number} time
   * @param {number} frames
   */
  show(path, time, frames) {
    this.frames = frames;
    this.head.style.left = `${100 * time}%`;
    const frame = 1 + Math.round(time * (frames - 1));
    this.element.setAttribute("aria-valuemax", String(frames));
    this.element.setAttribute("aria-valuenow", String(frame));
    this.element.setAttribute("aria-valuetext", `frame ${frame} of ${frames}`);
    this.showDiamonds(path, time);
    const shape = JSON.stringify([frames, path.keyframes.map(({ time: at, ease }) => [at, ease])]);
    if (shape === this.drawn) return;
    this.drawn = shape;
    this.graph.replaceChildren(...ticks(frames), speeds(path));
  }

  /**
   * @param {Path} path
   * @param {number} time
   */
  showDiamonds(path, time) {
    while (this.diamonds.length < path.keyframes.length) this.addDiamond();
    while (this.diamonds.length > path.keyframes.length) this.diamonds.pop()?.remove();
    const current = keyframeAt(path, time);
    path.keyframes.forEach((keyframe, index) => {
      const diamond = this.diamonds[index];
      const words = `Keyframe ${index + 1} at ${Math.round(keyframe.time * 100)} %: drag to move`;
      diamond.style.left = `${100 * keyframe.time}%`;
      diamond.setAttribute("aria-current", String(index === current));
      if (diamond.title === words) return;
      diamond.title = words;
      diamond.setAttribute("aria-label", words);
    });
  }

  addDiamond() {
    const diamond = make("button", { type: "button" });
    const index = this.diamonds.push(diamond) - 1;
    diamond.addEventListener("pointerdown", (event) => this.dragFrom(event, diamond, index));
    diamond.addEventListener("dblclick", (event) => event.stopPropagation());
    diamond.addEventListener("click", (event) => {
      if (event.detail === 0) this.acts.scrub(parseFloat(diamond.style.left) / 100); // by a key
    });
    this.element.append(diamond);
  }

  /** @param {PointerEvent} event */
  scrubFrom(event) {
    if (event.button !== 0 || event.target instanceof HTMLButtonElement) return;
    this.acts.scrub(this.timeAt(event));
    follow(this.element, event, {
      move: (each) => this.acts.scrub(this.timeAt(each)),
      end: () => {},
    });
  }

  /**
   * @param {PointerEvent} event
   * @param {HTMLButtonElement} diamond
   * @param {number} index
   */
  dragFrom(event, diamond, index) {
    if (event.button !== 0) return;
    this.acts.scrub(parseFloat(diamond.style.left) / 100);
    let moving = false;
    follow(diamond, event, {
      move: (each) => {
        moving ||= Math.abs(each.clientX - event.clientX) > STILL_HAND;
        if (moving) this.acts.drag(index, this.timeAt(each));
      },
      end: (kept) => moving && (kept ? this.acts.drop() : this.acts.cancel()),
    });
  }

  /** @param {PointerEvent | MouseEvent} event */
  timeAt(event) {
    const { left, width } = this.element.getBoundingClientRect();
    const time = Math.min(1, Math.max(0, (event.clientX - left) / width));
    return this.acts.snaps(event) ? snapTime(time, this.frames) : time;
  }
}

/**
 * Hear of a pointer until it is let go; `end` hears false when the system took it away.
 * @param {HTMLElement} element
 * @param {PointerEvent} event
 * @param {{ move: (event: PointerEvent) => void, end: (kept: boolean) => void }} told
 */
export function follow(element, event, { move, end }) {
  const gesture = new AbortController();
  const { signal } = gesture;
  const stop = (/** @type {boolean} */ kept) => {
    gesture.abort();
    end(kept);
  };
  element.setPointerCapture(event.pointerId);
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", () => stop(true), { signal });
  element.addEventListener("pointercancel", () => stop(false), { signal });
}

/** @param {number} frames */
function ticks(frames) {
  const shown = frames <= 120 ? frames : 11;
  return Array.from({ length: shown }, (_, index) => {
    const x = String((100 * index) / Math.max(1, shown - 1));
    return makeSvg("line", { class: "frame", x1: x, x2: x, y1: "0", y2: "12" });
  });
}

/**
 * Each way from keyframe to keyframe as the curve that its ease goes.
 * @param {Path} path
 */
function speeds({ keyframes }) {
  let line = "";
  keyframes.slice(1).forEach((keyframe, index) => {
    const from = keyframes[index].time;
    line += `M${100 * from} 78`;
    for (let step = 0; step <= 24; step++) {
      const share = step / 24;
      line += `L${(100 * (from + (keyframe.time - from) * share)).toFixed(2)} ${(78 - 52 * easeAt(keyframe.ease, share)).toFixed(2)}`;
    }
    line += `L${100 * keyframe.time} 78`;
  });
  return makeSvg("path", { class: "speed", d: line || "M0 0" });
}
