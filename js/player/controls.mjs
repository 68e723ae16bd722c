/** The buttons and the scrub bar under a film. */
import { icon } from "./icons.mjs";

const SPEEDS = [0.25, 0.5, 1, 2];

/**
 * What the controls do; see player.mjs.
 * @typedef {{ toggle: () => void, step: (by: number) => void, go: (frame: number) => void,
 *   loop: () => void, speed: (speed: number) => void, mute: () => void, save: () => void }} Actions
 */

export class Controls {
  /**
   * @param {Document} document
   * @param {Actions} actions
   * @param {AbortSignal} signal
   */
  constructor(document, actions, signal) {
    this.document = document;
    this.signal = signal;
    this.element = document.createElement("div");
    this.element.className = "svdstudio-film-controls";
    this.back = this.button("back", "Frame back (left arrow)", () => actions.step(-1));
    this.play = this.button("play", "Play (space)", actions.toggle);
    this.forward = this.button("forward", "Frame forward (right arrow)", () => actions.step(1));
    this.bar = this.scrubBar(actions);
    this.loop = this.button("loop", "Start again at the end", actions.loop);
    this.mute = this.button("quiet", "Sound", actions.mute);
    this.speed = this.speeds(actions);
    this.save = this.button("save", "Save this frame as PNG", actions.save);
    // Dragging the bar must not drag the node.
    for (const event of ["pointerdown", "pointermove", "dblclick"])
      this.element.addEventListener(event, (given) => given.stopPropagation(), { signal });
  }

  /**
   * @param {{ frame: number, count: number, plays: boolean, loops: boolean, muted: boolean,
   *   sound: boolean }} state
   */
  show({ frame, count, plays, loops, muted, sound }) {
    this.face(this.play, plays ? "pause" : "play", plays ? "Pause (space)" : "Play (space)");
    this.face(this.mute, muted ? "quiet" : "sound", muted ? "Sound on" : "Sound off");
    this.mute.hidden = !sound;
    this.loop.setAttribute("aria-pressed", String(loops));
    this.bar.max = String(count - 1);
    this.bar.value = String(frame);
    this.bar.setAttribute("aria-valuetext", `frame ${frame + 1} of ${count}`);
  }

  /**
   * @param {import("./icons.mjs").IconName} sign
   * @param {string} words
   * @param {() => void} act
   */
  button(sign, words, act) {
    const made = this.document.createElement("button");
    made.type = "button";
    this.face(made, sign, words);
    made.addEventListener("click", act, { signal: this.signal });
    this.element.append(made);
    return made;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {import("./icons.mjs").IconName} sign
   * @param {string} words
   */
  face(button, sign, words) {
    if (button.title === words) return;
    button.title = words;
    button.setAttribute("aria-label", words);
    button.replaceChildren(icon(this.document, sign));
  }

  /** @param {Actions} actions */
  scrubBar(actions) {
    const bar = this.document.createElement("input");
    Object.assign(bar, { type: "range", min: "0", step: "1", value: "0", title: "Frame" });
    bar.setAttribute("aria-label", "Frame");
    bar.addEventListener("input", () => actions.go(Number(bar.value)), { signal: this.signal });
    this.element.append(bar);
    return bar;
  }

  /** @param {Actions} actions */
  speeds(actions) {
    const list = this.document.createElement("select");
    list.title = "Speed";
    list.setAttribute("aria-label", "Speed");
    for (const speed of SPEEDS) {
      const option = this.document.createElement("option");
      option.value = String(speed);
      option.textContent = `${speed}×`;
      list.append(option);
    }
    list.value = "1";
    const chosen = () => actions.speed(Number(list.value));
    list.addEventListener("change", chosen, { signal: this.signal });
    this.element.append(list);
    return list;
  }
}
