/**
 * Where the camera is and looks, over the time of a clip: `sampling/camera.py` in the page.
 *
 * @typedef {import("./easing.mjs").Ease} Ease
 * @typedef {import("./shake.mjs").Shake} Shake
 * @typedef {{ pan: number, tilt: number, roll: number, zoom: number, truck: number,
 *   pedestal: number, dolly: number, orbit: number }} Pose
 * @typedef {{ time: number, pose: Pose, ease: Ease }} Keyframe
 * @typedef {{ keyframes: Keyframe[], shake: Shake | null }} Layer
 * @typedef {Layer & { fov: number, layers: Layer[] }} Path
 */

import { easeAt } from "./easing.mjs";
import { shakeAt } from "./shake.mjs";

/** @type {(keyof Pose)[]} */
export const MOVES = ["pan", "tilt", "roll", "zoom", "truck", "pedestal", "dolly", "orbit"];

/** @type {Pose} */
export const STILL = { pan: 0, tilt: 0, roll: 0, zoom: 1, truck: 0, pedestal: 0, dolly: 0, orbit: 0 };

/**
 * Both moves at once.
 * @param {Pose} a
 * @param {Pose} b
 * @returns {Pose}
 */
export function plus(a, b) {
  return mapMoves((move) => (move === "zoom" ? a.zoom * b.zoom : a[move] + b[move]));
}

/**
 * What has to be added to `b` to be at `a`.
 * @param {Pose} a
 * @param {Pose} b
 * @returns {Pose}
 */
export function since(a, b) {
  return mapMoves((move) => (move === "zoom" ? a.zoom / b.zoom : a[move] - b[move]));
}

/**
 * `share` 0..1 of the way from `a` to `b`; zoom goes by powers.
 * @param {Pose} a
 * @param {Pose} b
 * @param {number} share
 * @returns {Pose}
 */
export function towards(a, b, share) {
  const rest = 1 - share;
  return mapMoves((move) =>
    move === "zoom" ? a.zoom ** rest * b.zoom ** share : rest * a[move] + share * b[move],
  );
}

/**
 * What the keyframes alone say for `time`; before the first and after the last the camera waits.
 * @param {{ keyframes: Keyframe[] }} path
 * @param {number} time
 * @returns {Pose}
 */
export function smoothPose({ keyframes }, time) {
  const index = indexAfter(keyframes, time);
  if (index === 0) return keyframes[0].pose;
  const before = keyframes[index - 1];
  if (index === keyframes.length) return before.pose;
  const after = keyframes[index];
  const share = easeAt(after.ease, (time - before.time) / (after.time - before.time));
  return towards(before.pose, after.pose, share);
}

/**
 * The camera at `time` 0..1 as the film has it: from its first frame, shake and layers included.
 * @param {Layer & { layers?: Layer[] }} path
 * @param {number} time
 * @returns {Pose}
 */
export function poseAt(path, time) {
  let pose = since(smoothPose(path, time), smoothPose(path, 0));
  if (path.shake) {
    const [pan, tilt, roll] = shakeAt(path.shake, time);
    pose = plus(pose, { ...STILL, pan, tilt, roll });
  }
  for (const layer of path.layers ?? []) pose = plus(pose, poseAt(layer, time));
  return pose;
}

/**
 * How many keyframes are at or before `time`.
 * @param {Keyframe[]} keyframes
 * @param {number} time
 */
export function indexAfter(keyframes, time) {
  const index = keyframes.findIndex((keyframe) => keyframe.time > time);
  return index < 0 ? keyframes.length : index;
}

/**
 * @param {(move: keyof Pose) => number} value
 * @returns {Pose}
 */
function mapMoves(value) {
  const pose = { ...STILL };
  for (const move of MOVES) pose[move] = value(move);
  return pose;
}
