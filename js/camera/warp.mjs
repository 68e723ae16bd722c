/**
 * The picture as the moving camera sees it, pixel by pixel: `render_plane` of `sampling/guide.py`
 * and `hatch` of `sampling/camera_preview.py` in the page.
 *
 * Plain arithmetic on bytes: a homography is one division a pixel, so a frame of the panel's size
 * takes a few milliseconds anywhere, without WebGL, of which a page has few.
 *
 * @typedef {{ data: Uint32Array, width: number, height: number }} Pixels  packed RGBA
 */

import { invert } from "./view.mjs";

const STRIPE = 6; // pixels across
const DIMMED = 38; // of 128: what a guide puts there, so dark
const GREYS = [33, 13]; // of the two stripes, over that
const OPAQUE = 0xff000000 | 0;

/**
 * Fill `target` with what the camera sees; hatched where there is no picture.
 * @param {Pixels} target
 * @param {Pixels} source  the picture
 * @param {{ picture: import("./scene.mjs").Box, known: import("./scene.mjs").Box }} scene
 * @param {import("./view.mjs").Matrix} matrix  points of the first frame to the camera's
 */
export function warp(target, source, scene, matrix) {
  const { width, height } = target;
  const m = toSource(invert(matrix), width, height, scene.picture, source);
  const limits = knownPixels(scene, source);
  for (let row = 0; row < height; row++) warpRow(target, row, source, m, limits);
}

/**
 * From pixels of the target to pixels of the source, homogeneous.
 * @param {import("./view.mjs").Matrix} back
 * @param {number} width
 * @param {number} height
 * @param {import("./scene.mjs").Box} box
 * @param {Pixels} source
 */
function toSource(back, width, height, box, source) {
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const rows = [0, 3, 6].map((r) => {
    const [a, b] = [back[r] / width, back[r + 1] / width];
    return [a, b, back[r + 2] - a * cx - b * cy];
  });
  const across = { scale: source.width / box.width, start: box.left };
  const down = { scale: source.height / box.height, start: box.top };
  const placed = [across, down].map(({ scale, start }, axis) =>
    rows[axis].map((value, each) => value * scale - (start * scale + 0.5) * rows[2][each]),
  );
  return [...placed[0], ...placed[1], ...rows[2]];
}

/**
 * The known area in pixels of the source: further in than its edges with contain's bars.
 * @param {{ picture: import("./scene.mjs").Box, known: import("./scene.mjs").Box }} scene
 * @param {Pixels} source
 */
function knownPixels({ picture, known }, source) {
  const [sx, sy] = [source.width / picture.width, source.height / picture.height];
  const left = (known.left - picture.left) * sx - 0.5;
  const top = (known.top - picture.top) * sy - 0.5;
  return { left, top, right: left + known.width * sx, bottom: top + known.height * sy };
}

/**
 * @param {Pixels} target
 * @param {number} row
 * @param {Pixels} source
 * @param {number[]} m
 * @param {{ left: number, top: number, right: number, bottom: number }} limits
 */
function warpRow(target, row, source, m, limits) {
  const { data, width } = target;
  const { left, top, right, bottom } = limits;
  let index = row * width;
  for (let column = 0; column < width; column++) {
    const w = m[6] * column + m[7] * row + m[8];
    const x = (m[0] * column + m[1] * row + m[2]) / w;
    const y = (m[3] * column + m[4] * row + m[5]) / w;
    if (w > 1e-6 && x > left && x < right && y > top && y < bottom) {
      data[index++] = pixelAt(source, x, y);
    } else {
      const dark = w > 1e-6 ? pixelAt(source, mirrored(x, source.width), mirrored(y, source.height)) : OPAQUE;
      data[index++] = hatched(dark, GREYS[((row + column) / STRIPE) & 1]);
    }
  }
}

/**
 * Bilinear; black beyond the edges by more than half a pixel.
 * @param {Pixels} source
 * @param {number} x
 * @param {number} y
 */
function pixelAt({ data, width, height }, x, y) {
  if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) return OPAQUE;
  const px = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
  const py = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
  const [left, top] = [px | 0, py | 0];
  const at = top * width + left;
  const right = left + 1 < width ? 1 : 0;
  const below = top + 1 < height ? width : 0;
  const fx = ((px - left) * 128) | 0;
  const fy = ((py - top) * 128) | 0;
  const upper = mix(data[at], data[at + right], fx);
  const lower = mix(data[at + below], data[at + below + right], fx);
  return mix(upper, lower, fy) | OPAQUE;
}

/**
 * Two packed colours, two channels at a time. In 128 steps all of it fits into signed 32 bits,
 * which is much faster than what does not.
 * @param {number} a
 * @param {number} b
 * @param {number} share  of b, in 128
 */
function mix(a, b, share) {
  const rest = 128 - share;
  const redBlue = (Math.imul(a & 0xff00ff, rest) + Math.imul(b & 0xff00ff, share)) >>> 7;
  const green = (Math.imul(a & 0xff00, rest) + Math.imul(b & 0xff00, share)) >>> 7;
  return (redBlue & 0xff00ff) | (green & 0xff00);
}

/**
 * @param {number} value
 * @param {number} size
 */
function mirrored(value, size) {
  const last = size - 1;
  if (last <= 0) return 0;
  const folded = Math.abs(value) % (2 * last);
  return folded > last ? 2 * last - folded : folded;
}

/**
 * @param {number} colour
 * @param {number} grey
 */
function hatched(colour, grey) {
  const redBlue = (Math.imul(colour & 0xff00ff, DIMMED) >>> 7) & 0xff00ff;
  const green = (Math.imul(colour & 0xff00, DIMMED) >>> 7) & 0xff00;
  return ((redBlue | green) + grey * 0x010101) | OPAQUE;
}
