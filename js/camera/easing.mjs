/**
 * How a value gets from one keyframe to the next. What `sampling/easing.py` computes, in the page.
 *
 * An ease is a name, or the two slopes at which a cubic leaves and arrives.
 * @typedef {string | [number, number]} Ease
 */

export const DEFAULT_EASE = "ease in-out";

/** @type {Record<string, [number, number]>} */
export const SLOPES = {
  linear: [1, 1],
  "ease in": [0, 2],
  "ease out": [2, 0],
  "ease in-out": [0, 0],
};
export const EASES = [...Object.keys(SLOPES), "jump", "jump at once"];

const SLACK = 1e-6;
const SHORTEST_WAY = 1e-9;

/**
 * Progress 0..1 at time 0..1 of the way.
 * @param {Ease} ease
 * @param {number} t
 */
export function easeAt(ease, t) {
  if (ease === "jump") return t >= 1 ? 1 : 0;
  if (ease === "jump at once") return t > 0 ? 1 : 0;
  const [a, b, c] = powers(slopesOf(ease));
  return ((a * t + b) * t + c) * t;
}

/**
 * What is left of an ease between `start` and `end` of its time, stretched to a whole way.
 * @param {Ease} ease
 * @param {number} start
 * @param {number} end
 * @returns {Ease}
 */
export function easePart(ease, start, end) {
  if (ease === "linear" || ease === "jump" || ease === "jump at once") return ease;
  const slopes = slopesOf(ease);
  const [a, b] = powers(slopes);
  const length = end - start;
  const way = (a * length + 3 * a * start + b) * length ** 2 + slopeAt(slopes, start) * length;
  if (way < SHORTEST_WAY) return "linear";
  const exact = /** @type {[number, number]} */ (
    [start, end].map((t) => Math.min(4, Math.max(0, (slopeAt(slopes, t) * length) / way)))
  );
  const short = /** @type {[number, number]} */ (exact.map((slope) => Math.round(slope * 1e4) / 1e4));
  return named(isMonotone(short) ? short : exact);
}

/**
 * Whether the cubic of these slopes never turns back, which the server asks for.
 * @param {[number, number]} slopes
 */
export function isMonotone([start, end]) {
  const [a, b] = powers([start, end]);
  const turn = a > 0 ? -b / (3 * a) : Infinity;
  const slowest = turn > 0 && turn < 1 ? slopeAt([start, end], turn) : Math.min(start, end);
  return start >= 0 && start <= 4 && end >= 0 && end <= 4 && slowest >= -SLACK;
}

/** @param {Ease} ease */
function slopesOf(ease) {
  return typeof ease === "string" ? SLOPES[ease] : ease;
}

/** @param {[number, number]} slopes */
function named(slopes) {
  const found = Object.entries(SLOPES).find(([, known]) => known[0] === slopes[0] && known[1] === slopes[1]);
  return found ? found[0] : slopes;
}

/** @param {[number, number]} slopes */
function powers([start, end]) {
  return [start + end - 2, 3 - 2 * start - end, start];
}

/**
 * @param {[number, number]} slopes
 * @param {number} t
 */
function slopeAt(slopes, t) {
  const [a, b, c] = powers(slopes);
  return (3 * a * t + 2 * b) * t + c;
}
