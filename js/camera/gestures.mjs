/**
 * What taking hold of the framing does to the camera. A gesture starts from the path as it was,
 * so that nothing adds up on the way, and the same place of the hand is always the same camera.
 */

import { dollyBy, leanAt, ratioAt, travelTo, turnTo, zoomBy } from "./aim.mjs";
import { withPoseAt } from "./edit.mjs";
import { poseAt } from "./path.mjs";
import { problemOf } from "./path_json.mjs";
import { nearest, snapAngle, snapPoint } from "./snap.mjs";
import { centreOfView } from "./view.mjs";

/** @typedef {import("./path.mjs").Path} Path */
/** @typedef {import("./path.mjs").Pose} Pose */
/** @typedef {import("./view.mjs").Point} Point */
/**
 * @typedef {{ path: Path, time: number, part: string, from: Point, mode: string, aspect: number,
 *   picture: import("./scene.mjs").Box }} Gesture  from: where in the picture it began
 * @typedef {{ snap: boolean, straight: boolean, reach: number }} Keys
 *   straight: along one axis; reach: of snapping, in frame widths
 * @typedef {{ x: number | null, y: number | null }} Guides
 */

/** @type {Guides} */
export const NO_GUIDES = { x: null, y: null };

/**
 * The path with the hand at `to`, or a sentence that says why that is not possible.
 * @param {Gesture} gesture
 * @param {Point} to
 * @param {Keys} keys
 * @returns {{ path: Path | null, guides: Guides, problem: string }}
 */
export function pathOf(gesture, to, keys) {
  const start = poseAt(gesture.path, gesture.time);
  const { pose, guides } = poseOf(gesture, start, to, keys);
  return { guides, ...asked(gesture.path, gesture.time, pose) };
}

/**
 * The path whose film has `pose` at `time`, or what is wrong with it.
 * @param {Path} path
 * @param {number} time
 * @param {Pose | null} pose
 */
export function asked(path, time, pose) {
  const problem = pose ? problemOf(pose) : "No camera sees the picture like that.";
  if (!pose || problem) return { path: null, problem };
  return checked(withPoseAt(path, time, pose));
}

/**
 * A changed path, or what the server would refuse about it.
 * @param {Path} path
 * @returns {{ path: Path | null, problem: string }}
 */
export function checked(path) {
  for (const { time, pose } of path.keyframes) {
    const problem = problemOf(pose) || problemOf(poseAt(path, time));
    if (problem) return { path: null, problem };
  }
  return { path, problem: "" };
}

/**
 * @param {Gesture} gesture
 * @param {Pose} start
 * @param {Point} to
 * @param {Keys} keys
 * @returns {{ pose: Pose | null, guides: Guides }}
 */
function poseOf(gesture, start, to, keys) {
  const { part } = gesture;
  if (part === "roll") return { pose: rolled(gesture, start, to, keys), guides: NO_GUIDES };
  if (part.startsWith("corner")) return { pose: sized(gesture, start, to, keys), guides: NO_GUIDES };
  return moved(gesture, start, to, keys);
}

/**
 * @param {Gesture} gesture
 * @param {Pose} start
 * @param {Point} to
 * @param {Keys} keys
 */
function moved({ path, from, mode, picture }, start, to, { snap, straight, reach }) {
  const centre = centreOfView(start, path.fov);
  if (!centre) return { pose: null, guides: NO_GUIDES };
  /** @type {Point} */
  const way = [to[0] - from[0], to[1] - from[1]];
  if (straight) way[Math.abs(way[0]) < Math.abs(way[1]) ? 0 : 1] = 0;
  /** @type {Point} */
  const target = [centre[0] + way[0], centre[1] + way[1]];
  const snapped = snap ? snapPoint(target, picture, reach) : { point: target, guides: NO_GUIDES };
  if (mode === "travel") return { pose: travelTo(start, path.fov, snapped.point), guides: snapped.guides };
  const pose = turnTo(start, path.fov, snapped.point);
  if (pose && snap) {
    const angle = reach * path.fov * 0.5; // about as many pixels as `reach`, and gentler
    if (snapped.guides.x === null) pose.pan = snapAngle(pose.pan, angle);
    if (snapped.guides.y === null) pose.tilt = snapAngle(pose.tilt, angle);
  }
  return { pose, guides: snapped.guides };
}

/**
 * @param {Gesture} gesture
 * @param {Pose} start
 * @param {Point} to
 * @param {Keys} keys
 */
function sized({ path, part, mode, aspect }, start, to, { snap }) {
  const index = Number(part.slice("corner ".length));
  /** @type {Point} */
  const corner = [index === 0 || index === 3 ? -0.5 : 0.5, index < 2 ? -aspect / 2 : aspect / 2];
  const ratio = ratioAt(start, path.fov, corner, to);
  if (!ratio) return null;
  if (mode === "travel") return dollyBy(start, path.fov, ratio);
  const pose = zoomBy(start, ratio);
  if (snap) pose.zoom = nearest(pose.zoom, [1], 0.012) ?? pose.zoom;
  return pose;
}

/**
 * @param {Gesture} gesture
 * @param {Pose} start
 * @param {Point} to
 * @param {Keys} keys
 */
function rolled({ path, from }, start, to, { snap }) {
  const [first, now] = [leanAt(start, path.fov, from), leanAt(start, path.fov, to)];
  if (first === null || now === null) return null;
  const turn = ((now - first + 540) % 360) - 180;
  const roll = start.roll + turn;
  return { ...start, roll: snap ? snapAngle(roll, 1.2) : roll };
}

/**
 * One press of a key: how the camera moves, or null where the key moves nothing.
 * @param {string} key
 * @param {boolean} far
 * @param {string} mode
 * @param {Pose} pose
 * @returns {Pose | null}
 */
export function nudged(key, far, mode, pose) {
  const travel = mode === "travel";
  const step = travel ? (far ? 0.05 : 0.005) : far ? 5 : 0.5;
  /** @type {Record<string, [number, number, number]>} */
  const ways = { ArrowRight: [1, 0, 0], ArrowLeft: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], "+": [0, 0, 1], "=": [0, 0, 1], "-": [0, 0, -1] };
  if (!ways[key]) return null;
  const [right, up, near] = ways[key];
  if (travel)
    return { ...pose, truck: pose.truck + right * step, pedestal: pose.pedestal + up * step, dolly: pose.dolly + near * 0.01 };
  return { ...pose, pan: pose.pan + right * step, tilt: pose.tilt + up * step, zoom: pose.zoom * (1 + (far ? 0.1 : 0.01)) ** near };
}
