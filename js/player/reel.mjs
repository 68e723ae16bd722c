/** A film in a video element, by its frames. */
import { frameAt, middleOf, stepped } from "./frames.mjs";

export class Reel {
  /**
   * @param {HTMLVideoElement} video
   * @param {AbortSignal} signal  ends it and lets go of the file
   * @param {() => void} changed  the frame, or whether it plays
   */
  constructor(video, signal, changed) {
    this.video = video;
    this.changed = changed;
    this.frame = 0;
    this.count = 1;
    this.fps = 1;
    /** @type {number | null} that is gone to when the one before is there */
    this.next = null;
    this.playing = false; // is meant to: a browser stops what is not in the page
    video.addEventListener("ended", () => this.stop(), { signal });
    video.addEventListener("seeked", () => this.arrived(), { signal });
    signal.addEventListener("abort", () => this.close(), { once: true });
    this.watch(signal);
    this.restOutOfSight(signal);
  }

  /**
   * @param {string} url
   * @param {{ fps: number, frames: number }} film
   * @param {boolean} plays
   */
  open(url, { fps, frames }, plays) {
    Object.assign(this, { fps, count: frames, frame: 0, next: null });
    const speed = this.video.playbackRate;
    this.video.src = url;
    this.video.defaultPlaybackRate = this.video.playbackRate = speed;
    if (plays) this.play();
    else this.stop();
  }

  play() {
    this.playing = true;
    this.video.play().catch((error) => {
      // Some browsers play nothing by themselves. Other errors are the next film, or out of sight.
      if (error.name === "NotAllowedError") this.stop();
    });
    this.changed();
  }

  stop() {
    this.playing = false;
    this.video.pause();
    this.changed();
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  /**
   * Nothing is decoded that nobody sees, and a film that comes back goes on.
   * @param {AbortSignal} signal
   */
  restOutOfSight(signal) {
    const sight = new IntersectionObserver((seen) => {
      if (!this.playing) return;
      if (seen.at(-1)?.isIntersecting) this.play();
      else this.video.pause();
    });
    sight.observe(this.video);
    signal.addEventListener("abort", () => sight.disconnect(), { once: true });
  }

  /** @param {number} by */
  step(by) {
    this.go(stepped(this.frame, by, this.count, this.video.loop));
  }

  /**
   * Stop at a frame.
   * @param {number} frame
   */
  go(frame) {
    this.frame = frame;
    this.stop();
    if (this.video.seeking) this.next = frame;
    else this.video.currentTime = middleOf(frame, this.fps);
  }

  arrived() {
    const frame = this.next;
    this.next = null;
    if (frame !== null) this.video.currentTime = middleOf(frame, this.fps);
  }

  /**
   * Follow the frames that are shown while it plays.
   * @param {AbortSignal} signal
   */
  watch(signal) {
    const { video } = this;
    const seen = (/** @type {number} */ _now, /** @type {{ mediaTime: number }} */ { mediaTime }) => {
      if (signal.aborted) return;
      if (this.playing) {
        this.frame = frameAt(mediaTime, this.fps, this.count);
        this.changed();
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  close() {
    this.playing = false;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
