/**
 * From where the camera is to where things are in the frame: `sampling/view.py` in the page.
 *
 * Image points are in frame widths from the centre, x right, y down; camera axes are x right, y
 * down, z ahead. Matrices are 9 numbers, row by row. The picture is a plane at distance 1.
 *
 * @typedef {number[]} Matrix
 * @typedef {[number, number]} Point
 * @typedef {import("./path.mjs").Pose} Pose
 */

/**
 * In frame widths, for `fov` degrees across the frame at zoom 1.
 * @param {number} fov
 * @param {number} [zoom]
 */
export function focalLength(fov, zoom = 1) {
  return (zoom * 0.5) / Math.tan(radians(fov) / 2);
}

/**
 * How the camera is turned, and where it stands: a point X of the first camera's axes is
 * R (X - C) in this camera's. `around` is the part of the orbit, whose axes the steps go along.
 * @param {Pose} pose
 */
export function extrinsics(pose) {
  const around = turnRight(-pose.orbit);
  const angle = radians(pose.orbit);
  const [x, y, z] = apply(transpose(around), [pose.truck, -pose.pedestal, pose.dolly]);
  const centre = [x + Math.sin(angle), y, z + 1 - Math.cos(angle)];
  const turned = multiply(turnUp(pose.tilt), turnRight(pose.pan));
  const rotation = multiply(multiply(leanClockwise(pose.roll), turned), around);
  return { rotation, centre, around, turned };
}

/**
 * Where a point of the first frame is in the camera's: H = K R (I - C n^T) K0^-1, n = (0, 0, 1).
 * @param {Pose} pose
 * @param {number} fov
 * @returns {Matrix}
 */
export function homography(pose, fov) {
  const { rotation, centre } = extrinsics(pose);
  const plane = [1, 0, -centre[0], 0, 1, -centre[1], 0, 0, 1 - centre[2]];
  const h = multiply(rotation, plane);
  const first = focalLength(fov);
  const now = focalLength(fov, pose.zoom);
  const inverse = [h[0] / first, h[1] / first, h[2], h[3] / first, h[4] / first, h[5], h[6] / first, h[7] / first, h[8]];
  return inverse.map((value, index) => (index < 6 ? value * now : value));
}

/**
 * Corners of what the camera sees of the picture, from top left clockwise; null where it looks
 * past the picture's plane.
 * @param {Pose} pose
 * @param {number} fov
 * @param {number} aspect  height / width of the film
 * @returns {Point[] | null}
 */
export function framing(pose, fov, aspect) {
  const back = invert(homography(pose, fov));
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => project(back, [x / 2, (y * aspect) / 2]));
  return corners.every((corner) => corner !== null) ? /** @type {Point[]} */ (corners) : null;
}

/**
 * The point of the picture in the middle of the frame.
 * @param {Pose} pose
 * @param {number} fov
 */
export function centreOfView(pose, fov) {
  return project(invert(homography(pose, fov)), [0, 0]);
}

/**
 * A point under a homography; null where it is behind the camera.
 * @param {Matrix} matrix
 * @param {Point} point
 * @returns {Point | null}
 */
export function project(matrix, [x, y]) {
  const [u, v, w] = apply(matrix, [x, y, 1]);
  return w > 1e-6 ? [u / w, v / w] : null;
}

/**
 * @param {Matrix} matrix
 * @param {number[]} vector
 */
export function apply(matrix, [x, y, z]) {
  return [0, 3, 6].map((row) => matrix[row] * x + matrix[row + 1] * y + matrix[row + 2] * z);
}

/**
 * @param {Matrix} a
 * @param {Matrix} b
 * @returns {Matrix}
 */
export function multiply(a, b) {
  return a.map((_, index) => {
    const row = index - (index % 3);
    const column = index % 3;
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });
}

/**
 * @param {Matrix} matrix
 * @returns {Matrix}
 */
export function invert([a, b, c, d, e, f, g, h, i]) {
  const cofactors = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d];
  const determinant = a * cofactors[0] + b * cofactors[3] + c * cofactors[6];
  return cofactors.map((value) => value / determinant);
}

/** @param {Matrix} matrix @returns {Matrix} */
export function transpose([a, b, c, d, e, f, g, h, i]) {
  return [a, d, g, b, e, h, c, f, i];
}

/** @param {number} degrees @returns {Matrix} */
function turnRight(degrees) {
  const [c, s] = cosSin(degrees);
  return [c, 0, -s, 0, 1, 0, s, 0, c];
}

/** @param {number} degrees @returns {Matrix} */
function turnUp(degrees) {
  const [c, s] = cosSin(degrees);
  return [1, 0, 0, 0, c, s, 0, -s, c];
}

/** @param {number} degrees @returns {Matrix} */
function leanClockwise(degrees) {
  const [c, s] = cosSin(degrees);
  return [c, s, 0, -s, c, 0, 0, 0, 1];
}

/** @param {number} degrees */
const cosSin = (degrees) => [Math.cos(radians(degrees)), Math.sin(radians(degrees))];

/** @param {number} degrees */
export const radians = (degrees) => (degrees * Math.PI) / 180;

/** @param {number} angle */
export const degrees = (angle) => (angle * 180) / Math.PI;
