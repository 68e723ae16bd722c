/** Places that a drag is drawn to when it comes near. */

/** @typedef {import("./view.mjs").Point} Point */

/**
 * The nearest of `marks` within `reach` of `value`, or null.
 * @param {number} value
 * @param {number[]} marks
 * @param {number} reach
 */
export function nearest(value, marks, reach) {
  let best = null;
  for (const mark of marks)
    if (Math.abs(mark - value) <= reach && (best === null || Math.abs(mark - value) < Math.abs(best - value))) best = mark;
  return best;
}

/**
 * A point drawn to the middle and the thirds of the picture, each direction by itself.
 * @param {Point} point
 * @param {{ left: number, top: number, width: number, height: number }} picture
 * @param {number} reach
 * @returns {{ point: Point, guides: { x: number | null, y: number | null } }}
 */
export function snapPoint([x, y], { left, top, width, height }, reach) {
  const marks = [1 / 3, 1 / 2, 2 / 3];
  const guides = {
    x: nearest(x, marks.map((mark) => left + mark * width), reach),
    y: nearest(y, marks.map((mark) => top + mark * height), reach),
  };
  return { point: [guides.x ?? x, guides.y ?? y], guides };
}

/**
 * Degrees drawn to multiples of five.
 * @param {number} degrees
 * @param {number} reach
 */
export function snapAngle(degrees, reach) {
  return nearest(degrees, [Math.round(degrees / 5) * 5], reach) ?? degrees;
}

/**
 * A time drawn to the nearest frame of the clip.
 * @param {number} time
 * @param {number} frames
 */
export function snapTime(time, frames) {
  return frames > 1 ? Math.round(time * (frames - 1)) / (frames - 1) : time;
}
