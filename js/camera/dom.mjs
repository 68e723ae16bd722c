/** Small pieces of page. Text is always set as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** 14x14 drawings. */
export const ICONS = {
  play: "M4 2.5v9l7.5-4.5z",
  pause: "M3.5 2.5h2.4v9H3.5zM8.1 2.5h2.4v9H8.1z",
  previous: "M2.5 2.5h1.8v9H2.5zM11.5 2.5v9L5 7z",
  next: "M9.7 2.5h1.8v9H9.7zM2.5 2.5v9L9 7z",
  add: "M5.2 3.4 8.8 7l-3.6 3.6L1.6 7zM10 2.6h1.3v1.9h1.9v1.3h-1.9v1.9H10V5.8H8.1V4.5H10z",
  remove: "M5.2 3.4 8.8 7l-3.6 3.6L1.6 7zM8.6 4.5h4.6v1.3H8.6z",
};

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
export function makeSvg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * @param {keyof typeof ICONS} name
 * @param {string} words  what it does
 * @param {() => void} act
 */
export function iconButton(name, words, act) {
  const button = make("button", { type: "button", class: "icon", title: words, "aria-label": words });
  const svg = makeSvg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" });
  svg.append(makeSvg("path", { d: ICONS[name] }));
  button.append(svg);
  button.addEventListener("click", act);
  return button;
}

/**
 * One of a few, side by side.
 * @param {string} label
 * @param {{ value: string, words: string, title: string }[]} choices
 * @param {(value: string) => void} choose
 */
export function segments(label, choices, choose) {
  const box = make("div", { class: "segments", role: "group", "aria-label": label });
  const buttons = choices.map(({ value, words, title }) => {
    const button = make("button", { type: "button", title, "aria-label": `${label}: ${words}`, "data-value": value }, words);
    button.addEventListener("click", () => choose(value));
    return button;
  });
  box.append(...buttons);
  const show = (/** @type {string} */ chosen) =>
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === chosen)));
  return { box, show };
}
