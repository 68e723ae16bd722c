/** The editor's page: everything around the picture, and what it says. */

import { iconButton, make, segments } from "./dom.mjs";
import { EASES } from "./easing.mjs";
import { isStart, keyframeAt } from "./edit.mjs";
import { lensFields, moveFields } from "./fields.mjs";
import { addStyle } from "../graph/style_sheet.mjs";
import { STYLE } from "./style.mjs";
import { Timeline } from "./timeline.mjs";

const VIEWS = [
  { value: "framing", words: "Framing", title: "The picture, and what the camera sees of it: drag it" },
  { value: "film", words: "Film", title: "What the film shows; striped: what SVD will have to invent" },
];
const MODES = [
  { value: "turn", words: "Turn", title: "Dragging turns the camera and zooms: pan, tilt, zoom" },
  { value: "travel", words: "Travel", title: "Dragging moves the camera itself: truck, pedestal, dolly" },
];

export class Controls {
  /** @param {import("./editor.mjs").CameraEditor} editor */
  constructor(editor) {
    addStyle(document, "svdstudio-camera-style", STYLE);
    this.editor = editor;
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.hint = make("p", { class: "hint", role: "status" });
    this.views = segments("View", VIEWS, (value) => editor.setView(value));
    this.modes = segments("Drag", MODES, (value) => editor.setMode(value));
    this.clock = make("span", { class: "note" });
    this.timeline = new Timeline({
      scrub: (time) => editor.scrub(time),
      add: (time) => {
        editor.scrub(time);
        editor.addKeyframe();
      },
      drag: (index, time) => editor.dragKeyframe(index, time),
      drop: () => editor.commit(),
      cancel: () => editor.revert(),
      snaps: (event) => editor.page.snapping() && !event.altKey,
    });
    this.fields = moveFields((move, value) => editor.setMove(move, value));
    this.lens = lensFields((name, value) => editor.setLens(name, value));
    this.buttons = transportButtons(editor);
    this.ease = make("select", { title: "How the camera gets to this keyframe from the one before", "aria-label": "Ease of this keyframe" });
    this.lens.element.open = editor.look.open;
    this.lens.element.addEventListener("toggle", () => (editor.look.open = this.lens.element.open));
    editor.root.replaceChildren(
      make("div", { class: "bar" }, this.views.box, this.modes.box, make("span", { class: "space" }), this.clock),
      make("div", { class: "stage" }, this.canvas, this.hint),
      this.timeline.element,
      this.transport(),
      this.fields.element,
      this.lens.element,
    );
  }

  transport() {
    const { editor, buttons } = this;
    this.ease.addEventListener("change", () => editor.setEase(this.ease.value));
    return make(
      "div",
      { class: "bar" },
      buttons.previous,
      buttons.play,
      buttons.pause,
      buttons.next,
      make("span", { class: "space" }),
      this.ease,
      buttons.add,
      buttons.remove,
    );
  }

  /** Make the page say what the editor is. */
  show() {
    const { editor } = this;
    const { shown, look, locked, source } = editor;
    const index = keyframeAt(shown, look.time);
    const start = isStart(shown, look.time);
    this.views.show(editor.playing ? "film" : look.view);
    this.modes.show(look.mode);
    this.clock.textContent = `frame ${1 + Math.round(look.time * (source.frames - 1))} of ${source.frames}`;
    this.timeline.show(shown, look.time, source.frames);
    this.buttons.play.style.display = editor.playing ? "none" : "";
    this.buttons.pause.style.display = editor.playing ? "" : "none";
    this.buttons.add.disabled = locked || index >= 0;
    this.buttons.remove.disabled = locked || index < 0 || shown.keyframes.length < 2;
    this.showEase(index > 0 ? shown.keyframes[index].ease : null, locked);
    this.fields.show(editor.numbers, { between: index < 0, locked: locked || start });
    if (locked) this.fields.element.querySelectorAll("input").forEach((input) => (input.disabled = true));
    this.lens.show(shown, locked);
    this.showNotice();
  }

  /**
   * @param {import("./easing.mjs").Ease | null} ease
   * @param {boolean} locked
   */
  showEase(ease, locked) {
    const own = Array.isArray(ease) ? `slopes ${ease.join(" to ")}` : null;
    const choices = own ? [...EASES, own] : EASES;
    if (this.ease.options.length !== choices.length || (own && this.ease.options[EASES.length].value !== own))
      this.ease.replaceChildren(...choices.map((name) => make("option", { value: name }, name)));
    this.ease.value = own ?? /** @type {string} */ (ease ?? "ease in-out");
    this.ease.disabled = locked || ease === null;
  }

  showNotice() {
    const { words, wrong } = this.editor.notice;
    if (this.hint.textContent !== words) this.hint.textContent = words;
    this.hint.classList.toggle("problem", wrong);
  }
}

/** @param {import("./editor.mjs").CameraEditor} editor */
function transportButtons(editor) {
  const play = iconButton("play", "Play the film (Space)", () => editor.play());
  play.classList.add("main");
  return {
    play,
    pause: iconButton("pause", "Pause (Space)", () => editor.play()),
    previous: iconButton("previous", "Previous keyframe ([)", () => editor.jump(-1)),
    next: iconButton("next", "Next keyframe (])", () => editor.jump(1)),
    add: iconButton("add", "Add a keyframe here (K)", () => editor.addKeyframe()),
    remove: iconButton("remove", "Remove this keyframe (Delete)", () => editor.removeKeyframe()),
  };
}
