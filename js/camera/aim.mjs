/**
 * Which moves put the framing where the hand drags it. Each gives the whole pose, or null where
 * no camera of that kind sees the picture so.
 *
 * @typedef {import("./path.mjs").Pose} Pose
 * @typedef {import("./view.mjs").Point} Point
 */

import { apply, centreOfView, degrees, extrinsics, focalLength, homography, project, transpose } from "./view.mjs";

/**
 * Pan and tilt so that `target` of the picture is in the middle of the frame.
 * @param {Pose} pose
 * @param {number} fov
 * @param {Point} target
 * @returns {Pose | null}
 */
export function turnTo(pose, fov, target) {
  const { around, centre } = extrinsics(pose);
  const [x, y, z] = apply(around, fromCamera(target, fov, centre));
  if (z < 1e-3) return null;
  return { ...pose, pan: degrees(Math.atan2(x, z)), tilt: degrees(Math.atan2(-y, Math.hypot(x, z))) };
}

/**
 * Truck and pedestal so that `target` is in the middle of the frame.
 * @param {Pose} pose
 * @param {number} fov
 * @param {Point} target
 * @returns {Pose | null}
 */
export function travelTo(pose, fov, target) {
  const { away, axis } = axisTo(pose, fov, target);
  const reach = (away[2] - pose.dolly) / axis[2];
  if (axis[2] < 1e-3 || reach < 1e-3) return null;
  return { ...pose, truck: away[0] - reach * axis[0], pedestal: reach * axis[1] - away[1] };
}

/**
 * The lens that shows `ratio` times as much across.
 * @param {Pose} pose
 * @param {number} ratio
 * @returns {Pose}
 */
export function zoomBy(pose, ratio) {
  return { ...pose, zoom: pose.zoom / ratio };
}

/**
 * Along the line of sight, to `ratio` times the distance from what is in the middle of the frame.
 * @param {Pose} pose
 * @param {number} fov
 * @param {number} ratio
 * @returns {Pose | null}
 */
export function dollyBy(pose, fov, ratio) {
  const middle = centreOfView(pose, fov);
  if (!middle) return null;
  const { away, axis } = axisTo(pose, fov, middle);
  const reach = ((away[2] - pose.dolly) / axis[2]) * ratio;
  return {
    ...pose,
    truck: away[0] - reach * axis[0],
    pedestal: reach * axis[1] - away[1],
    dolly: away[2] - reach * axis[2],
  };
}

/**
 * How much further from the middle of the frame than its `corner` the point `target` of the
 * picture is seen, along the diagonal.
 * @param {Pose} pose
 * @param {number} fov
 * @param {Point} corner  in the frame
 * @param {Point} target  in the picture
 */
export function ratioAt(pose, fov, corner, target) {
  const seen = project(homography(pose, fov), target);
  if (!seen) return null;
  const ratio = (seen[0] * corner[0] + seen[1] * corner[1]) / (corner[0] ** 2 + corner[1] ** 2);
  return ratio > 0.02 ? ratio : null;
}

/**
 * Degrees clockwise from the frame's upright to `target` of the picture.
 * @param {Pose} pose
 * @param {number} fov
 * @param {Point} target
 */
export function leanAt(pose, fov, target) {
  const seen = project(homography(pose, fov), target);
  return seen && degrees(Math.atan2(seen[0], -seen[1]));
}

/**
 * In the axes that the camera's steps go along: the way to a point of the picture from where the
 * camera stands without its steps, and its line of sight.
 * @param {Pose} pose
 * @param {number} fov
 * @param {Point} target
 */
function axisTo(pose, fov, target) {
  const { around, turned } = extrinsics(pose);
  const { centre } = extrinsics({ ...pose, truck: 0, pedestal: 0, dolly: 0 });
  return {
    away: apply(around, fromCamera(target, fov, centre)),
    axis: apply(transpose(turned), [0, 0, 1]),
  };
}

/**
 * @param {Point} target
 * @param {number} fov
 * @param {number[]} centre
 */
function fromCamera([x, y], fov, centre) {
  const focal = focalLength(fov);
  return [x / focal - centre[0], y / focal - centre[1], 1 - centre[2]];
}
