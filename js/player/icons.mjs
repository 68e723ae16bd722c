/** Signs on buttons, drawn in 16x16 in the colour of the text. */

const PATHS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  back: "M12 3v10L5.5 8zM3 3h2v10H3z",
  forward: "M4 3v10l6.5-5zM11 3h2v10h-2z",
  loop: "M3 8V6.5A2.5 2.5 0 0 1 5.5 4H10V1.8L13.5 5 10 8.2V6H5.5a.5.5 0 0 0-.5.5V8zm10 0v1.5a2.5 2.5 0 0 1-2.5 2.5H6v2.2L2.5 11 6 7.8V10h4.5a.5.5 0 0 0 .5-.5V8z",
  save: "M5.5 2.5h5l1 2H14v9H2v-9h2.5zM8 6.2a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z",
  quiet: "M2 6h2.5L8 3v10l-3.5-3H2zM10 6.7l1-1L12.3 7l1.3-1.3 1 1L13.3 8l1.3 1.3-1 1L12.3 9 11 10.3l-1-1L11.3 8z",
  sound: "M2 6h2.5L8 3v10l-3.5-3H2zM9.5 5.5a3.5 3.5 0 0 1 0 5zM11 3.5a6 6 0 0 1 0 9l-.8-.9a4.8 4.8 0 0 0 0-7.2z",
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Document} document
 * @param {IconName} name
 */
export function icon(document, name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill-rule", "evenodd");
  drawing.append(path);
  return drawing;
}
