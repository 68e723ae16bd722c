/**
 * A camera path as the JSON text of the node. It refuses what the server refuses; the server's
 * sentences are the longer ones, because they come with line and column.
 */

import { DEFAULT_EASE, EASES, isMonotone } from "./easing.mjs";
import { MOVES, STILL, poseAt } from "./path.mjs";
import { LARGEST_SEED, NEUTRAL } from "./shake.mjs";

/** @typedef {import("./path.mjs").Path} Path */
/** @typedef {import("./path.mjs").Pose} Pose */

const DEFAULT_FOV = 50;
const LAYER_FIELDS = ["keyframes", "shake"];
const PATH_FIELDS = ["version", "fov", ...LAYER_FIELDS, "layers"];
const KEYFRAME_FIELDS = ["time", ...MOVES, "ease"];
const SHAKE_FIELDS = Object.keys(NEUTRAL);
const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/** What is wrong with the text, in one plain sentence. */
export class PathError extends Error {}

/**
 * The path that `text` describes; throws PathError.
 * @param {string} text
 * @returns {Path}
 */
export function readPath(text) {
  const data = requireObject(parse(text), "The camera path");
  requireKnown(data, PATH_FIELDS, "The camera path");
  if ((data.version ?? 1) !== 1 || data.version === null) fail(`The camera path has version ${shown(data.version)}: expected 1.`);
  const fov = number(data, "fov", "The camera path", DEFAULT_FOV);
  if (fov < 1 || fov > 150) fail(`fov is ${fov} degrees: use 1 to 150.`);
  const layers = list(data, "layers", "The camera path").map((each, index) => {
    const where = `Layer ${index + 1}`;
    requireKnown(requireObject(each, where), LAYER_FIELDS, where);
    return readLayer(each, `${where}, `);
  });
  const path = { fov, ...readLayer(data, ""), layers };
  requireInSight(path, "");
  layers.forEach((layer, index) => requireInSight(layer, `Layer ${index + 1}, `));
  return path;
}

/**
 * The text of a path, a keyframe a line, as the server writes it.
 * @param {Path} path
 */
export function writePath(path) {
  const parts = [`"version": 1`, `"fov": ${path.fov}`, ...layerParts(path)];
  if (path.layers.length) {
    const layers = path.layers.map((layer) => `{${layerParts(layer).join(", ")}}`);
    parts.push(`"layers": [\n${layers.join(",\n")}\n]`);
  }
  return `{${parts.join(", ")}}`;
}

/** @param {import("./path.mjs").Layer} layer */
function layerParts({ keyframes, shake }) {
  const lines = keyframes.map(({ time, pose, ease }) => {
    const moved = MOVES.filter((move) => pose[move] !== STILL[move]).map((move) => [move, pose[move]]);
    const eased = ease === DEFAULT_EASE ? {} : { ease };
    return `  ${textOf({ time, ...Object.fromEntries(moved), ...eased })}`;
  });
  const parts = [`"keyframes": [\n${lines.join(",\n")}\n]`];
  if (shake) parts.push(`"shake": ${textOf(shake)}`);
  return parts;
}

/**
 * @param {any} value
 * @returns {string}
 */
function textOf(value) {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${textOf(each)}`);
  return `{${fields.join(", ")}}`;
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parse(text) {
  if (!text.trim()) fail("The camera path is empty: add a keyframe, or undo.");
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    fail("The text is not valid JSON yet: look for a missing comma, quote or bracket.");
  }
  const names = [...text.matchAll(TOKENS)].filter((match) => match[1]).length;
  if (names !== countNames(data)) fail("The camera path says a field twice in one object: keep one.");
  return data;
}

/**
 * @param {any} data
 * @returns {number}
 */
function countNames(data) {
  if (data === null || typeof data !== "object") return 0;
  const inside = Object.values(data).reduce((sum, each) => sum + countNames(each), 0);
  return inside + (Array.isArray(data) ? 0 : Object.keys(data).length);
}

/**
 * @param {any} data
 * @param {string} where
 */
function readLayer(data, where) {
  const items = list(data, "keyframes", `${where}the path`);
  if (!items.length) fail(`${where}the camera path has no keyframes: it needs at least one.`);
  const keyframes = items.map((item, index) => readKeyframe(item, `${where}Keyframe ${index + 1}`));
  keyframes.forEach(({ time }, index) => {
    const name = `${where}Keyframe ${index + 1} is at time ${time}`;
    if (time < 0 || time > 1) fail(`${name}: use 0 (first frame) to 1 (last frame).`);
    if (index && time <= keyframes[index - 1].time) fail(`${name}, not after the one before it.`);
  });
  const shake = data.shake ?? null;
  if (shake !== null) checkShake(shake, `${where}the shake`);
  return { keyframes, shake };
}

/**
 * @param {any} item
 * @param {string} where
 */
function readKeyframe(item, where) {
  const data = requireObject(item, where);
  requireKnown(data, KEYFRAME_FIELDS, where);
  if (!("time" in data)) fail(`${where} has no time: give 0 (first frame) to 1 (last frame).`);
  const pose = { ...STILL };
  for (const move of MOVES) pose[move] = number(data, move, where, STILL[move]);
  const problem = problemOf(pose);
  if (problem) fail(`${where}: ${problem}`);
  return { time: number(data, "time", where, 0), pose, ease: readEase(data, where) };
}

/**
 * @param {any} data
 * @param {string} where
 * @returns {import("./easing.mjs").Ease}
 */
function readEase(data, where) {
  const ease = "ease" in data ? data.ease : DEFAULT_EASE;
  if (typeof ease === "string" && EASES.includes(ease)) return ease;
  if (!Array.isArray(ease)) fail(`${where} has ease ${shown(ease)}: use ${EASES.join(", ")}, or two slopes.`);
  const slopes = pair(data, "ease", where);
  if (!isMonotone(slopes)) fail(`${where} has an ease that turns back on its way: use slopes of 0 to 3.`);
  return slopes;
}

/**
 * What is out of range in a pose, or "".
 * @param {Pose} pose
 */
export function problemOf(pose) {
  for (const move of /** @type {const} */ (["pan", "tilt", "orbit"]))
    if (Math.abs(pose[move]) >= 90) return `${move} is ${short(pose[move])} degrees: stay below 90.`;
  if (pose.zoom < 0.1 || pose.zoom > 10) return `zoom is ${short(pose.zoom)}: use 0.1 to 10.`;
  if (pose.dolly > 0.95) return `dolly is ${short(pose.dolly)}: use at most 0.95, or the camera is in the subject.`;
  return MOVES.every((move) => Number.isFinite(pose[move])) ? "" : "A move is not a finite number.";
}

/**
 * @param {import("./path.mjs").Layer} path
 * @param {string} where
 */
function requireInSight(path, where) {
  path.keyframes.forEach(({ time }, index) => {
    const problem = problemOf(poseAt(path, time));
    if (problem) fail(`${where}Keyframe ${index + 1}, seen from the first frame: ${problem}`);
  });
}

/**
 * @param {any} shake
 * @param {string} where
 */
function checkShake(shake, where) {
  requireKnown(requireObject(shake, where), SHAKE_FIELDS, where);
  const { degrees, cycles, seed, closed } = { ...NEUTRAL, ...shake };
  number(shake, "degrees", where, 0);
  number(shake, "cycles", where, 2);
  if (degrees < 0 || degrees > 45) fail(`${where} has degrees ${degrees}: use 0 to 45.`);
  if (cycles <= 0 || cycles > 100) fail(`${where} has cycles ${cycles}: use up to 100, and more than 0.`);
  if (!Number.isInteger(seed) || seed < 0 || seed > LARGEST_SEED) fail(`${where} has seed ${shown(seed)}: use a whole number.`);
  if (typeof closed !== "boolean") fail(`${where} has closed ${shown(closed)}: use true or false.`);
  const [during, part] = ["during", "part"].map((name) => (name in shake ? pair(shake, name, where) : [0, 1]));
  if (!(during[0] >= 0 && during[0] < during[1] && during[1] <= 1)) fail(`${where} is played during ${shown(during)}: use 0 to 1.`);
  if (part.some((place) => place < 0 || place > 1)) fail(`${where} has part ${shown(part)}: use 0 to 1.`);
}

/**
 * @param {any} value
 * @param {string} where
 * @returns {Record<string, any>}
 */
function requireObject(value, where) {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    fail(`${where} is ${shown(value)}: expected an object in {…}.`);
  return value;
}

/**
 * @param {object} data
 * @param {string[]} known
 * @param {string} where
 */
function requireKnown(data, known, where) {
  const odd = Object.keys(data).find((name) => !known.includes(name));
  if (odd !== undefined) fail(`${where} has the unknown field ${shown(odd)}.`);
}

/**
 * @param {any} data
 * @param {string} name
 * @param {string} where
 * @param {number} neutral
 * @returns {number}
 */
function number(data, name, where, neutral) {
  const value = name in data ? data[name] : neutral;
  if (typeof value !== "number" || !Number.isFinite(value)) fail(`${where} has ${name} ${shown(value)}: expected a number.`);
  return value;
}

/**
 * @param {any} data
 * @param {string} name
 * @param {string} where
 * @returns {[number, number]}
 */
function pair(data, name, where) {
  const values = data[name];
  if (!Array.isArray(values) || values.length !== 2) fail(`${where} has ${name} ${shown(values)}: expected two numbers.`);
  return [number(values, "0", where, 0), number(values, "1", where, 0)];
}

/**
 * @param {any} data
 * @param {string} name
 * @param {string} where
 * @returns {any[]}
 */
function list(data, name, where) {
  const values = name in data ? data[name] : [];
  if (!Array.isArray(values)) fail(`${where} has ${name} ${shown(values)}: expected a list in […].`);
  return values;
}

/** @param {number} value */
const short = (value) => String(Math.round(value * 1000) / 1000);

/** @param {any} value */
function shown(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  throw new PathError(sentence[0].toUpperCase() + sentence.slice(1));
}
