/** The eight moves as numbers, and the lens and the hand. */

import { make } from "./dom.mjs";
import { round } from "./edit.mjs";
import { MOVES, STILL } from "./path.mjs";
import { NEUTRAL } from "./shake.mjs";

/** @typedef {import("./path.mjs").Pose} Pose */

/** @type {Record<keyof Pose, { unit: string, step: string, title: string }>} */
const ABOUT = {
  pan: { unit: "°", step: "0.5", title: "Pan: above 0 turns right, in degrees" },
  tilt: { unit: "°", step: "0.5", title: "Tilt: above 0 turns up, in degrees" },
  roll: { unit: "°", step: "0.5", title: "Roll: above 0 leans clockwise, in degrees" },
  zoom: { unit: "×", step: "0.01", title: "Zoom: above 1 is a longer lens; 1 is none" },
  truck: { unit: "", step: "0.01", title: "Truck: above 0 goes right, in distances to the subject" },
  pedestal: { unit: "", step: "0.01", title: "Pedestal: above 0 goes up, in distances to the subject" },
  dolly: { unit: "", step: "0.01", title: "Dolly: above 0 goes in, in distances to the subject" },
  orbit: { unit: "°", step: "0.5", title: "Orbit: above 0 goes around the subject to the right, in degrees" },
};

/**
 * A field that tells of whole entries: when Enter is pressed, it is left or stepped.
 * @param {string} title
 * @param {Record<string, string>} attributes
 * @param {(value: number) => void} entered
 */
function numberField(title, attributes, entered) {
  const input = make("input", { type: "number", title, "aria-label": title, step: "any", ...attributes });
  input.addEventListener("change", () => {
    if (Number.isFinite(input.valueAsNumber)) entered(input.valueAsNumber);
  });
  return input;
}

/**
 * Fields of the eight moves.
 * @param {(move: keyof Pose, value: number) => void} entered
 */
export function moveFields(entered) {
  const inputs = /** @type {Record<keyof Pose, HTMLInputElement>} */ ({});
  const element = make("div", { class: "fields" });
  for (const move of MOVES) {
    const { unit, step, title } = ABOUT[move];
    inputs[move] = numberField(title, { step }, (value) => entered(move, value));
    const name = move[0].toUpperCase() + move.slice(1);
    inputs[move].classList.toggle("plain", !unit);
    element.append(make("label", { title }, make("span", {}, name), inputs[move], make("i", {}, unit)));
  }
  /**
   * @param {Pose} pose
   * @param {{ between: boolean, locked: boolean }} state  between: keyframes
   */
  const show = (pose, { between, locked }) => {
    element.classList.toggle("between", between);
    for (const move of MOVES) {
      const moved = pose[move] !== STILL[move];
      put(inputs[move], round(pose[move], 4));
      inputs[move].disabled = locked && !moved;
      inputs[move].parentElement?.classList.toggle("moved", moved);
    }
  };
  return { element, show };
}

/**
 * Fields of the lens and of the unrest of a hand, folded away.
 * @param {(name: string, value: number) => void} entered  fov, degrees, cycles or seed
 */
export function lensFields(entered) {
  const field = (/** @type {string} */ name, /** @type {string} */ words, /** @type {string} */ title, /** @type {Record<string, string>} */ limits) => {
    const input = numberField(title, limits, (value) => entered(name, value));
    return { input, label: make("label", { title }, words, input) };
  };
  const fields = {
    fov: field("fov", "Lens", "Degrees that the picture shows across its width: 50 is a normal lens", { min: "1", max: "150", step: "1" }),
    degrees: field("degrees", "Shake", "Unrest of a hand in degrees: 0.3 is calm, 1 nervous", { min: "0", max: "45", step: "0.1" }),
    cycles: field("cycles", "Sways", "Slow sways of the hand in the clip", { min: "0.1", max: "100", step: "0.5" }),
    seed: field("seed", "Seed", "Another seed, another unrest", { min: "0", step: "1" }),
  };
  const bar = make("div", { class: "bar" }, ...Object.values(fields).map(({ label }) => label));
  const element = make("details", {}, make("summary", { title: "Field of view, and hand-held unrest" }, "Lens and hand"), bar);
  /**
   * @param {import("./path.mjs").Path} path
   * @param {boolean} locked
   */
  const show = (path, locked) => {
    const values = { ...NEUTRAL, ...path.shake, fov: path.fov };
    for (const name of /** @type {const} */ (["fov", "degrees", "cycles", "seed"])) {
      put(fields[name].input, values[name]);
      fields[name].input.disabled = locked;
    }
  };
  return { element, show };
}

/**
 * Show a number, but not under the hands of who is typing.
 * @param {HTMLInputElement} input
 * @param {number} value
 */
function put(input, value) {
  const text = String(value);
  if (document.activeElement !== input && input.value !== text) input.value = text;
}
