/** Which frame is at which time, and which key goes to which frame. Frames are counted from 0 on. */

/**
 * @param {number} time  in seconds
 * @param {number} fps
 * @param {number} count
 */
export function frameAt(time, fps, count) {
  // A browser rounds times to microseconds: what is nearly the next frame is the next frame.
  return within(Math.floor(time * fps + 0.01), count);
}

/**
 * A time at which a frame is shown whatever is rounded: its middle.
 * @param {number} frame
 * @param {number} fps
 */
export function middleOf(frame, fps) {
  return (frame + 0.5) / fps;
}

/**
 * The frame so many further on; past an end from the other one, if the film goes round.
 * @param {number} frame
 * @param {number} by
 * @param {number} count
 * @param {boolean} round
 */
export function stepped(frame, by, count, round) {
  const to = frame + by;
  return round ? ((to % count) + count) % count : within(to, count);
}

/**
 * The frame that a key goes to, or null for a key that goes nowhere.
 * @param {string} key
 * @param {number} frame
 * @param {number} count
 * @param {boolean} round
 */
export function frameOfKey(key, frame, count, round) {
  if (key === "ArrowLeft") return stepped(frame, -1, count, round);
  if (key === "ArrowRight") return stepped(frame, 1, count, round);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/**
 * @param {number} frame
 * @param {number} count
 */
function within(frame, count) {
  return Math.min(Math.max(frame, 0), count - 1);
}
