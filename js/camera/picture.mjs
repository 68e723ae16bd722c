/** The picture as an element to draw and as pixels to warp. */

/** @typedef {import("./warp.mjs").Pixels} Pixels */

const LARGEST = 960; // more than a panel shows; what is larger only costs time

/** @typedef {{ canvas: HTMLCanvasElement, pixels: Pixels, aspect: number }} Picture */

/**
 * Load a picture; rejects where there is none.
 * @param {string} url
 * @returns {Promise<Picture>}
 */
export async function loadPicture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const scale = Math.min(1, LARGEST / Math.max(image.naturalWidth, image.naturalHeight));
  return fromDrawing(image.naturalWidth * scale, image.naturalHeight * scale, (context, width, height) => {
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
  });
}

/**
 * A calm grid in the film's proportions, where there is no picture yet.
 * @param {number} aspect
 * @returns {Picture}
 */
export function gridPicture(aspect) {
  return fromDrawing(640, 640 * aspect, (context, width, height) => {
    context.fillStyle = "#33373d";
    context.fillRect(0, 0, width, height);
    const cell = width / 16;
    for (let row = 0; row * cell < height; row++)
      for (let column = 0; column < 16; column++)
        if ((row + column) % 2) {
          context.fillStyle = `hsl(${200 + column * 5} 14% ${24 + 10 * (1 - (row * cell) / height)}%)`;
          context.fillRect(column * cell, row * cell, cell, cell);
        }
    context.strokeStyle = "#8b939d";
    context.beginPath();
    context.arc(width / 2, height / 2, cell * 1.5, 0, 2 * Math.PI);
    context.moveTo(width / 2 - cell * 2, height / 2);
    context.lineTo(width / 2 + cell * 2, height / 2);
    context.moveTo(width / 2, height / 2 - cell * 2);
    context.lineTo(width / 2, height / 2 + cell * 2);
    context.stroke();
  });
}

/**
 * @param {number} wide
 * @param {number} high
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 * @returns {Picture}
 */
function fromDrawing(wide, high, draw) {
  const [width, height] = [Math.max(1, Math.round(wide)), Math.max(1, Math.round(high))];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  draw(context, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { canvas, pixels: { data: new Uint32Array(data.buffer), width, height }, aspect: height / width };
}
