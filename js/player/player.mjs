/** The player on a node. */
import { addStyle } from "../graph/style_sheet.mjs";
import { Controls } from "./controls.mjs";
import { factsLine, frameFileName, frameWord, kindOf, viewPath } from "./facts.mjs";
import { frameOfKey } from "./frames.mjs";
import { handOver } from "./hand_over.mjs";
import { Reel } from "./reel.mjs";
import { saveFrame } from "./save_frame.mjs";
import { STYLE } from "./style.mjs";

const LINES = 38; // pixels of the two lines and the edge
const CONTROLS = 26; // under a film
const MARGIN = 20; // what the classic canvas leaves free above and below a panel, together
const LEAST_PICTURE = 100;
const MOST_PICTURE = 200;
const GONE = "The film cannot be played: its file is gone, or this browser does not know its kind.";

/** @typedef {import("./facts.mjs").Film} Film */

/**
 * @param {import("./holder.mjs").Holder} holder
 * @param {any} app
 * @param {any} api
 */
export function playerOn(holder, app, api) {
  return new Player(holder, app, api);
}

class Player {
  /**
   * @param {import("./holder.mjs").Holder} holder
   * @param {any} app
   * @param {any} api
   */
  constructor(holder, app, api) {
    this.holder = holder;
    this.app = app;
    this.api = api;
    this.element = holder.element;
    const document = this.element.ownerDocument;
    this.document = document;
    addStyle(document, "svdstudio-film-style", STYLE);
    /** @type {Film | null} */
    this.film = null;
    this.element.className = "svdstudio-film";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Film");
    this.screen = made(document, "div", "svdstudio-film-screen");
    this.screen.title = "Double click: full screen";
    const { signal } = holder;
    this.signal = signal;
    this.video = this.makeVideo();
    this.reel = new Reel(this.video, signal, () => this.update());
    this.controls = new Controls(document, this.actions(), signal);
    this.line = made(document, "div", "svdstudio-film-line");
    this.facts = made(document, "span", "");
    this.number = made(document, "span", "");
    this.line.append(this.facts, this.number);
    this.place = made(document, "bdi", "svdstudio-film-place");
    this.element.append(this.screen, this.controls.element, this.line, this.place);
    this.listen();
  }

  /** @returns {HTMLVideoElement} */
  makeVideo() {
    const video = this.document.createElement("video");
    const loop = this.setting("svdstudio.player.loop");
    Object.assign(video, { muted: true, loop, playsInline: true, preload: "auto" });
    video.addEventListener("error", () => this.failed(), { signal: this.signal });
    return video;
  }

  /** @returns {import("./controls.mjs").Actions} */
  actions() {
    const { reel, video } = this;
    return {
      toggle: () => reel.toggle(),
      step: (by) => reel.step(by),
      go: (frame) => reel.go(frame),
      loop: () => {
        video.loop = !video.loop;
        this.update();
      },
      speed: (speed) => {
        video.playbackRate = speed;
      },
      mute: () => {
        video.muted = !video.muted;
        this.update();
      },
      save: () => this.saveFrame(),
    };
  }

  listen() {
    const { signal } = this;
    this.element.addEventListener("keydown", (event) => this.key(event), { signal });
    this.screen.addEventListener("dblclick", () => this.fullScreen(), { signal });
    this.screen.addEventListener("click", () => this.clicked(), { signal });
    handOver(this.element, this.app.canvas.canvas, signal);
  }

  /** @param {Film} film */
  show(film) {
    // Someone who has stopped the last one looks at a frame.
    const plays = this.film ? this.reel.playing : this.setting("svdstudio.player.autoplay");
    this.film = film;
    const kind = kindOf(film);
    this.screen.hidden = kind === "nothing";
    this.controls.element.hidden = this.number.hidden = kind !== "film";
    this.facts.textContent = factsLine(film) + (kind === "film" ? " ·" : "");
    this.line.title = factsLine(film);
    this.place.textContent = this.place.title = film.written;
    this.place.hidden = !film.written;
    const url = this.api.apiURL(viewPath(film));
    if (kind === "film") this.screen.replaceChildren(this.video);
    if (kind === "animation") this.screen.replaceChildren(this.picture(url));
    if (kind === "film") this.reel.open(url, film, plays);
    else this.reel.close();
    this.holder.fit(() => this.minHeight(), MARGIN);
  }

  update() {
    if (!this.film || !this.controls) return;
    const { frame, count, playing } = this.reel;
    const { loop, muted } = this.video;
    const sound = Boolean(this.film.sound);
    this.controls.show({ frame, count, plays: playing, loops: loop, muted, sound });
    this.number.textContent = frameWord(frame);
  }

  /** @param {string} url */
  picture(url) {
    const picture = this.document.createElement("img");
    picture.alt = "";
    picture.addEventListener("error", () => this.failed(), { signal: this.signal });
    picture.src = url;
    return picture;
  }

  failed() {
    if (this.signal.aborted || !this.film) return;
    const words = made(this.document, "p", "");
    words.textContent = GONE;
    this.screen.replaceChildren(words);
    this.controls.element.hidden = this.number.hidden = true;
  }

  get canSaveFrame() {
    return this.film !== null && kindOf(this.film) === "film" && this.video.videoWidth > 0;
  }

  saveFrame() {
    if (this.film && this.canSaveFrame)
      saveFrame(this.video, frameFileName(this.film, this.reel.frame));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const isFilm = this.film && kindOf(this.film) === "film";
    if (!isFilm || event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = /** @type {Element} */ (event.target).tagName;
    if (tag === "SELECT") return event.stopPropagation();
    const { frame, count } = this.reel;
    const to = frameOfKey(event.key, frame, count, this.video.loop);
    if (to !== null) this.reel.go(to);
    else if (event.key !== " ") return;
    else if (tag !== "BUTTON") this.reel.toggle();
    // The editor would take them too, and the bar once more; a button takes its space by itself.
    event.stopPropagation();
    if (to !== null || tag !== "BUTTON") event.preventDefault();
  }

  clicked() {
    this.element.focus({ preventScroll: true });
    if (this.film && kindOf(this.film) === "film") this.reel.toggle();
  }

  fullScreen() {
    const leaving = this.document.fullscreenElement === this.element;
    const done = leaving ? this.document.exitFullscreen() : this.element.requestFullscreen();
    done.catch(() => {}); // a page that may not: the film goes on where it is
  }

  /** In pixels: the film as wide as the node, within limits. */
  minHeight() {
    const kind = this.film ? kindOf(this.film) : "film";
    if (!this.film || kind === "nothing") return LINES + MARGIN;
    const { width, height } = this.film;
    const fitting = (this.holder.node.size[0] * height) / width;
    const picture = Math.min(Math.max(fitting, LEAST_PICTURE), MOST_PICTURE);
    return Math.round(picture) + LINES + MARGIN + (kind === "film" ? CONTROLS : 0);
  }

  /** @param {string} id */
  setting(id) {
    return this.app.extensionManager.setting.get(id) !== false;
  }
}

/**
 * @param {Document} document
 * @param {string} tag
 * @param {string} className
 * @returns {HTMLElement}
 */
function made(document, tag, className) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}
