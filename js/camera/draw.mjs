/** Draws the framing over the picture, or the film, into the stage's canvas. */

import { poseAt } from "./path.mjs";
import { centreOfView, framing, homography } from "./view.mjs";
import { handlesOf, toStage } from "./viewport.mjs";
import { warp } from "./warp.mjs";

/** @typedef {import("./view.mjs").Point} Point */
/**
 * @typedef {{ path: import("./path.mjs").Path, time: number, frames: number, aspect: number,
 *   picture: import("./picture.mjs").Picture, scene: { picture: import("./scene.mjs").Box,
 *   known: import("./scene.mjs").Box }, viewport: import("./viewport.mjs").Viewport,
 *   width: number, height: number, editable: boolean, accent: string,
 *   guides: { x: number | null, y: number | null } }} Shown
 */

const WHITE = "#ffffff";
const SHADOW = "rgba(0, 0, 0, .55)";
const WIDEST_FILM = 720; // pixels that are warped across

/**
 * The picture with what the camera sees of it, the path of its centre, and the handles.
 * @param {CanvasRenderingContext2D} context  in CSS pixels
 * @param {Shown} shown
 */
export function drawFraming(context, shown) {
  const { path, time, viewport, scene, picture, width, height } = shown;
  const [left, top] = toStage(viewport, [scene.picture.left, scene.picture.top]);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "medium";
  context.drawImage(picture.canvas, left, top, scene.picture.width * viewport.scale, scene.picture.height * viewport.scale);
  const quad = framing(poseAt(path, time), path.fov, shown.aspect);
  const corners = quad && handlesOf(viewport, quad).corners;
  shade(context, shown, corners);
  drawPath(context, shown);
  drawGuides(context, shown);
  if (!quad) return;
  drawFrame(context, handlesOf(viewport, quad), shown.editable);
}

/**
 * Everything outside the framing dark; what nobody photographed inside it, striped.
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 * @param {Point[] | null} corners
 */
function shade(context, { width, height, scene, viewport }, corners) {
  context.fillStyle = "rgba(10, 12, 15, .6)";
  context.beginPath();
  context.rect(0, 0, width, height);
  if (corners) outline(context, corners);
  context.fill("evenodd");
  if (!corners) return;
  context.save();
  context.beginPath();
  outline(context, corners);
  context.clip();
  context.beginPath();
  context.rect(0, 0, width, height);
  const [left, top] = toStage(viewport, [scene.known.left, scene.known.top]);
  context.rect(left, top, scene.known.width * viewport.scale, scene.known.height * viewport.scale);
  context.clip("evenodd");
  context.strokeStyle = "rgba(255, 255, 255, .13)";
  context.lineWidth = 3;
  context.beginPath();
  for (let x = -height; x < width; x += 9) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

/**
 * Where the middle of the frame goes over time: a dot a frame of the film, a diamond a keyframe.
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 */
function drawPath(context, { path, frames, viewport, aspect, accent }) {
  for (const { time } of path.keyframes) {
    const quad = framing(poseAt(path, time), path.fov, aspect);
    if (quad) stroke(context, quad.map((corner) => toStage(viewport, corner)), accent, 1, 0.45);
  }
  const at = (/** @type {number} */ time) => {
    const centre = centreOfView(poseAt(path, time), path.fov);
    return centre && toStage(viewport, centre);
  };
  const way = Array.from({ length: 65 }, (_, index) => at(index / 64)).filter((place) => place !== null);
  context.lineWidth = 1.5;
  context.strokeStyle = accent;
  context.beginPath();
  way.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  for (let frame = 0; frame < frames && frames <= 120; frame++) dot(context, at(frame / Math.max(1, frames - 1)), 1.8, accent);
  for (const { time } of path.keyframes) diamond(context, at(time), accent);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof handlesOf>} handles
 * @param {boolean} editable
 */
function drawFrame(context, { corners, top, roll }, editable) {
  stroke(context, corners, SHADOW, 4, 1);
  stroke(context, corners, WHITE, 1.75, 1);
  const [x, y] = between(between(corners[0], corners[1]), between(corners[2], corners[3]));
  context.beginPath();
  context.moveTo(x - 7, y);
  context.lineTo(x + 7, y);
  context.moveTo(x, y - 7);
  context.lineTo(x, y + 7);
  context.strokeStyle = WHITE;
  context.lineWidth = 1.25;
  context.stroke();
  if (!editable) return;
  context.beginPath();
  context.moveTo(...top);
  context.lineTo(...roll);
  context.stroke();
  for (const place of [...corners, roll]) {
    dot(context, place, 6.5, SHADOW);
    dot(context, place, 5, WHITE);
  }
}

/**
 * Lines that the drag has snapped to.
 * @param {CanvasRenderingContext2D} context
 * @param {Shown} shown
 */
function drawGuides(context, { guides, viewport, width, height }) {
  context.strokeStyle = "#ffd24a";
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  context.beginPath();
  if (guides.x !== null) {
    const [x] = toStage(viewport, [guides.x, 0]);
    context.moveTo(x, 0);
    context.lineTo(x, height);
  }
  if (guides.y !== null) {
    const [, y] = toStage(viewport, [0, guides.y]);
    context.moveTo(0, y);
    context.lineTo(width, y);
  }
  context.stroke();
  context.setLineDash([]);
}

/** The film at one moment, as large as the stage. It keeps its pixels from frame to frame. */
export class FilmFrame {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    /** @type {ImageData | null} */
    this.image = null;
  }

  /**
   * @param {CanvasRenderingContext2D} context  in CSS pixels
   * @param {Shown} shown
   * @param {number} ratio  pixels of the screen a CSS pixel
   */
  draw(context, { path, time, picture, scene, aspect, width, height }, ratio) {
    const wide = Math.min(width, height / aspect);
    const across = Math.max(2, Math.round(Math.min(WIDEST_FILM, wide * ratio)));
    const down = Math.max(2, Math.round(across * aspect));
    const image = this.sized(across, down);
    const target = { data: new Uint32Array(image.data.buffer), width: across, height: down };
    warp(target, picture.pixels, scene, homography(poseAt(path, time), path.fov));
    this.context.putImageData(image, 0, 0);
    context.clearRect(0, 0, width, height);
    context.drawImage(this.canvas, (width - wide) / 2, (height - wide * aspect) / 2, wide, wide * aspect);
  }

  /**
   * @param {number} width
   * @param {number} height
   * @returns {ImageData}
   */
  sized(width, height) {
    if (this.image?.width !== width || this.image.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.image = this.context.createImageData(width, height);
    }
    return /** @type {ImageData} */ (this.image);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point[]} corners
 * @param {string} colour
 * @param {number} width
 * @param {number} alpha
 */
function stroke(context, corners, colour, width, alpha) {
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  outline(context, corners);
  context.stroke();
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Point[]} corners */
function outline(context, corners) {
  corners.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

/** @param {CanvasRenderingContext2D} context @param {Point | null} place @param {number} radius @param {string} colour */
function dot(context, place, radius, colour) {
  if (!place) return;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(place[0], place[1], radius, 0, 2 * Math.PI);
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {Point | null} place @param {string} colour */
function diamond(context, place, colour) {
  if (!place) return;
  const [x, y] = place;
  context.beginPath();
  outline(context, [[x, y - 5.5], [x + 5.5, y], [x, y + 5.5], [x - 5.5, y]]);
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = SHADOW;
  context.lineWidth = 1;
  context.stroke();
}

/** @param {Point} a @param {Point} b @returns {Point} */
const between = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];
