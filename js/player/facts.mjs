/** What the server tells of a film, in words. */

/**
 * See nodes/film_preview.py. `fps`, `frames`, `width` and `height` are of the frames; a preview may
 * be smaller. Without `filename` the front end shows a picture of it by itself.
 * @typedef {{ filename?: string, subfolder?: string, type?: string, width: number, height: number,
 *   frames: number, fps: number, bytes: number, written: string, sound?: boolean }} Film
 */

const ANIMATION = /\.(gif|webp|png|apng)$/i;

/**
 * The film that a node has made, or null. Of several, the last.
 * @param {any} output
 * @returns {Film | null}
 */
export function filmIn(output) {
  const told = output?.svd_film;
  const film = Array.isArray(told) ? told.at(-1) : null;
  if (!film || typeof film !== "object") return null;
  const numbers = [film.width, film.height, film.frames, film.fps, film.bytes];
  if (!numbers.every(Number.isFinite) || film.fps <= 0 || film.frames < 1) return null;
  return { ...film, written: String(film.written ?? "") };
}

/**
 * What shows it: a video, a picture that moves, or nothing of ours.
 * @param {Film} film
 * @returns {"film" | "animation" | "nothing"}
 */
export function kindOf({ filename }) {
  if (!filename) return "nothing";
  return ANIMATION.test(filename) ? "animation" : "film";
}

/**
 * Where the server has the file, as a path of its API.
 * @param {Film} film
 */
export function viewPath({ filename = "", subfolder = "", type = "output" }) {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/**
 * "1024×576 · 25 frames · 7 fps · 3.6 s · 1.2 MB"
 * @param {Film} film
 */
export function factsLine({ width, height, frames, fps, bytes, written }) {
  const size = written ? amount(bytes) : `preview ${amount(bytes)}`;
  const count = frames === 1 ? "1 frame" : `${frames} frames`;
  const seconds = `${(frames / fps).toFixed(1)} s`;
  return [`${width}×${height}`, count, `${shortly(fps)} fps`, seconds, size].join(" · ");
}

/**
 * Frames are counted from 1 on, for people.
 * @param {number} frame  from 0 on
 */
export function frameWord(frame) {
  return `frame ${frame + 1}`;
}

/**
 * What a frame that is saved is called.
 * @param {Film} film
 * @param {number} frame  from 0 on
 */
export function frameFileName({ filename = "film", written }, frame) {
  const name = (written.split("/").pop() || filename).replace(/\.[^.]*$/, "");
  return `${name}_frame_${String(frame + 1).padStart(4, "0")}.png`;
}

/** @param {number} fps */
function shortly(fps) {
  return String(Number(fps.toFixed(3)));
}

/**
 * Of a file, as browsers and file managers count: 1.2 MB are 1 200 000 bytes.
 * @param {number} bytes
 */
function amount(bytes) {
  for (const [unit, size] of /** @type {const} */ ([["GB", 1e9], ["MB", 1e6]]))
    if (bytes >= size * 0.9995) return `${(bytes / size).toFixed(1)} ${unit}`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}
