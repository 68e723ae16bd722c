/** Changes to a path. Each gives a new one and leaves the old as it is. */

import { DEFAULT_EASE, easePart } from "./easing.mjs";
import { MOVES, STILL, indexAfter, plus, poseAt, since, smoothPose } from "./path.mjs";

/** @typedef {import("./path.mjs").Path} Path */
/** @typedef {import("./path.mjs").Pose} Pose */

const SAME_TIME = 0.0005;
/** Decimals that a hand can tell apart. */
const DECIMALS = { pan: 2, tilt: 2, roll: 2, orbit: 2, zoom: 3, truck: 4, pedestal: 4, dolly: 4 };

/**
 * The keyframe at `time`, or -1.
 * @param {Path} path
 * @param {number} time
 */
export function keyframeAt(path, time) {
  return path.keyframes.findIndex((keyframe) => Math.abs(keyframe.time - time) < SAME_TIME);
}

/**
 * A keyframe at `time` that leaves the move as it is: its ease is cut in two.
 * @param {Path} path
 * @param {number} time
 * @returns {Path}
 */
export function withKeyframe(path, time) {
  if (keyframeAt(path, time) >= 0) return path;
  const keyframes = [...path.keyframes];
  const index = indexAfter(keyframes, time);
  const after = keyframes[index];
  const pose = roundPose(smoothPose(path, time));
  const now = { time: round(time, 4), pose, ease: /** @type {import("./path.mjs").Ease} */ (DEFAULT_EASE) };
  if (index > 0 && after) {
    const before = keyframes[index - 1].time;
    const share = (time - before) / (after.time - before);
    now.ease = easePart(after.ease, 0, share);
    keyframes[index] = { ...after, ease: easePart(after.ease, share, 1) };
  }
  keyframes.splice(index, 0, now);
  return { ...path, keyframes };
}

/**
 * Without a keyframe; the last one stays.
 * @param {Path} path
 * @param {number} index
 * @returns {Path}
 */
export function withoutKeyframe(path, index) {
  if (path.keyframes.length < 2) return path;
  return { ...path, keyframes: path.keyframes.filter((_, each) => each !== index) };
}

/**
 * With a keyframe at another time, kept between its neighbours.
 * @param {Path} path
 * @param {number} index
 * @param {number} time
 * @returns {Path}
 */
export function withTime(path, index, time) {
  const [low, high] = [path.keyframes[index - 1]?.time, path.keyframes[index + 1]?.time];
  const from = low === undefined ? 0 : low + 0.001;
  const to = high === undefined ? 1 : high - 0.001;
  const kept = round(Math.min(Math.max(time, from), Math.max(from, to)), 4);
  return withChange(path, index, { time: kept });
}

/**
 * @param {Path} path
 * @param {number} index
 * @param {Partial<import("./path.mjs").Keyframe>} change
 * @returns {Path}
 */
export function withChange(path, index, change) {
  const keyframes = path.keyframes.map((keyframe, each) => (each === index ? { ...keyframe, ...change } : keyframe));
  return { ...path, keyframes };
}

/**
 * The film's pose at `time` made `wanted`, by the keyframe there, which is made if need be. Shake,
 * layers and where the path starts stay as they are; moves that do not change keep every digit.
 * @param {Path} path
 * @param {number} time
 * @param {Pose} wanted
 * @returns {Path}
 */
export function withPoseAt(path, time, wanted) {
  const keyed = withKeyframe(path, time);
  const index = keyframeAt(keyed, time);
  const { pose } = keyed.keyframes[index];
  const change = since(wanted, poseAt(path, time));
  const moved = roundPose(plus(pose, change));
  const kept = { ...pose };
  for (const move of MOVES) if (Math.abs(change[move] - STILL[move]) > 1e-9) kept[move] = moved[move];
  return withChange(keyed, index, { pose: kept });
}

/**
 * True where the framing cannot be moved: all is relative to the first keyframe, so the film
 * shows the picture itself until then.
 * @param {Path} path
 * @param {number} time
 */
export function isStart(path, time) {
  return time < path.keyframes[0].time + SAME_TIME;
}

/**
 * @param {Pose} pose
 * @returns {Pose}
 */
function roundPose(pose) {
  const rounded = { ...pose };
  for (const move of MOVES) rounded[move] = round(pose[move], DECIMALS[move]);
  return rounded;
}

/**
 * @param {number} value
 * @param {number} decimals
 */
export function round(value, decimals) {
  return Math.round(value * 10 ** decimals) / 10 ** decimals + 0; // + 0: never -0
}
