/** The small unrest of a camera held by hand: `sampling/shake.py` in the page. */

const WAVES = [
  [1.0, 0.6],
  [2.27, 0.3],
  [4.61, 0.1],
];
const REACH = [1, 1, 0.5]; // of pan, tilt and roll
export const LARGEST_SEED = 2 ** 32 - 1;

/**
 * Fields that are left out are neutral, as in the JSON.
 * @typedef {{ degrees?: number, cycles?: number, seed?: number, closed?: boolean,
 *   during?: [number, number], part?: [number, number] }} Shake
 */

/** @type {Required<Shake>} */
export const NEUTRAL = { degrees: 0, cycles: 2, seed: 0, closed: false, during: [0, 1], part: [0, 1] };

/**
 * Pan, tilt and roll in degrees at `time` 0..1; all 0 at time 0.
 * @param {Shake} given
 * @param {number} time
 * @returns {[number, number, number]}
 */
export function shakeAt(given, time) {
  const shake = { ...NEUTRAL, ...given };
  const now = place(shake, time);
  const first = place(shake, 0);
  const angles = REACH.map((reach, axis) => {
    const turns = WAVES.map((_, wave) => draw(shake.seed, axis * WAVES.length + wave));
    return shake.degrees * reach * (sway(shake, now, turns) - sway(shake, first, turns));
  });
  return /** @type {[number, number, number]} */ (angles);
}

/**
 * The `index`-th number in 0..1 of `seed`: SplitMix32.
 * @param {number} seed
 * @param {number} index
 */
export function draw(seed, index) {
  let bits = (seed + Math.imul(index + 1, 0x9e3779b9)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35) >>> 0;
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * @param {Required<Shake>} shake
 * @param {number} time
 */
function place({ during: [begin, end], part: [first, last] }, time) {
  const share = clamp01((time - begin) / (end - begin));
  return clamp01(first + (last - first) * share);
}

/**
 * @param {Required<Shake>} shake
 * @param {number} where
 * @param {number[]} turns
 */
function sway({ cycles, closed }, where, turns) {
  let total = 0;
  WAVES.forEach(([multiple, strength], wave) => {
    const turning = closed ? Math.max(1, Math.floor(cycles * multiple + 0.5)) : cycles * multiple;
    total += strength * Math.sin(2 * Math.PI * (turning * where + turns[wave]));
  });
  return total;
}

/** @param {number} value */
const clamp01 = (value) => Math.min(1, Math.max(0, value));
