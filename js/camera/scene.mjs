/** The picture laid out in front of the camera: `sampling/scene.py` in the page. */

/**
 * In frame widths from the frame's centre.
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 */

/**
 * Where the picture lies, and the area that the film knows; black where that has no picture.
 * @param {number} pictureAspect  height / width
 * @param {number} aspect  of the film
 * @param {string} fit  cover, contain or stretch
 * @returns {{ picture: Box, known: Box }}
 */
export function layOut(pictureAspect, aspect, fit) {
  const frame = centred(1, aspect);
  if (fit === "stretch") return { picture: frame, known: frame };
  const wider = pictureAspect < aspect;
  const fillsHeight = fit === "contain" ? !wider : wider;
  const picture = fillsHeight ? centred(aspect / pictureAspect, aspect) : centred(1, pictureAspect);
  return { picture, known: fit === "contain" ? frame : picture };
}

/**
 * The smallest box around points and a box.
 * @param {Box} box
 * @param {import("./view.mjs").Point[]} points
 * @returns {Box}
 */
export function boxAround(box, points) {
  let { left, top } = box;
  let [right, bottom] = [left + box.width, top + box.height];
  for (const [x, y] of points) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {Box}
 */
export const centred = (width, height) => ({ left: -width / 2, top: -height / 2, width, height });
