/** Between places in the picture and places on the stage. */

import { poseAt } from "./path.mjs";
import { boxAround } from "./scene.mjs";
import { framing } from "./view.mjs";

/** @typedef {import("./view.mjs").Point} Point */
/** @typedef {{ scale: number, x: number, y: number }} Viewport  pixels a frame width, and of the centre */

const MARGIN = 26; // pixels, for the handles
const FURTHEST = 1.4; // frame widths from the centre: what lies beyond makes the picture too small

/**
 * The whole picture, and every framing of the path as far as it is near.
 * @param {import("./path.mjs").Path} path
 * @param {{ picture: import("./scene.mjs").Box }} scene
 * @param {number} aspect
 * @param {{ width: number, height: number }} size
 * @returns {Viewport}
 */
export function showAll(path, scene, aspect, { width, height }) {
  const near = (/** @type {number} */ value) => Math.min(FURTHEST, Math.max(-FURTHEST, value));
  const corners = path.keyframes.flatMap(({ time }) => framing(poseAt(path, time), path.fov, aspect) ?? []);
  const box = boxAround(scene.picture, corners.map(([x, y]) => [near(x), near(y)]));
  const scale = Math.max(1, Math.min((width - 2 * MARGIN) / box.width, (height - 2 * MARGIN) / box.height));
  return {
    scale,
    x: width / 2 - scale * (box.left + box.width / 2),
    y: height / 2 - scale * (box.top + box.height / 2),
  };
}

/**
 * @param {Viewport} viewport
 * @param {Point} point  of the picture
 * @returns {Point} on the stage
 */
export function toStage({ scale, x, y }, point) {
  return [x + scale * point[0], y + scale * point[1]];
}

/**
 * @param {Viewport} viewport
 * @param {Point} place  on the stage
 * @returns {Point} of the picture
 */
export function toPicture({ scale, x, y }, place) {
  return [(place[0] - x) / scale, (place[1] - y) / scale];
}

/**
 * Where the framing can be taken hold of: its corners, and the handle that rolls it, on the stage.
 * @param {Viewport} viewport
 * @param {Point[]} quad
 */
export function handlesOf(viewport, quad) {
  const corners = quad.map((corner) => toStage(viewport, corner));
  const [[ax, ay], [bx, by]] = corners;
  const length = Math.hypot(bx - ax, by - ay) || 1;
  const out = 18 / length;
  /** @type {Point} */
  const top = [(ax + bx) / 2, (ay + by) / 2];
  /** @type {Point} */
  const roll = [top[0] + (by - ay) * out, top[1] - (bx - ax) * out];
  return { corners, top, roll };
}

/**
 * What of the framing is at a place: "roll", "corner 0" to "corner 3", "inside", or "".
 * @param {ReturnType<typeof handlesOf>} handles
 * @param {Point} place
 */
export function partAt({ corners, roll }, place) {
  const near = (/** @type {Point} */ [x, y]) => Math.hypot(place[0] - x, place[1] - y) < 11;
  if (near(roll)) return "roll";
  const corner = corners.findIndex(near);
  if (corner >= 0) return `corner ${corner}`;
  const inside = corners.every(([x, y], index) => {
    const [nx, ny] = corners[(index + 1) % 4];
    return (nx - x) * (place[1] - y) - (ny - y) * (place[0] - x) >= 0;
  });
  return inside ? "inside" : "";
}
