/** The nodes that make a film of a picture, wired. */

/** @type {[string, [number, number]][]} type and place, in graph units from the left upper corner */
const NODES = [
  ["LoadImage", [0, 0]],
  ["SVDStudioLoadModel", [0, 420]],
  ["SVDStudioConditioning", [340, 0]],
  ["SVDStudioSampler", [700, 0]],
  ["SVDStudioDecode", [1060, 0]],
  ["SVDStudioSaveVideo", [1060, 240]],
];

const SIZE = [1380, 700];

/** @type {[string, string, string, string][]} */
const WIRES = [
  ["LoadImage", "IMAGE", "SVDStudioConditioning", "image"],
  ["SVDStudioLoadModel", "CLIP_VISION", "SVDStudioConditioning", "clip_vision"],
  ["SVDStudioLoadModel", "VAE", "SVDStudioConditioning", "vae"],
  ["SVDStudioLoadModel", "MODEL", "SVDStudioSampler", "model"],
  ["SVDStudioConditioning", "positive", "SVDStudioSampler", "positive"],
  ["SVDStudioConditioning", "negative", "SVDStudioSampler", "negative"],
  ["SVDStudioConditioning", "latent", "SVDStudioSampler", "latent"],
  ["SVDStudioLoadModel", "VAE", "SVDStudioDecode", "vae"],
  ["SVDStudioSampler", "latent", "SVDStudioDecode", "latent"],
  ["SVDStudioDecode", "images", "SVDStudioSaveVideo", "images"],
];

/**
 * Add them around the middle of what is shown, in one step of undo, and select them.
 * @param {any} canvas  ComfyUI's
 * @param {(type: string) => any} createNode
 */
export function addBasicChain(canvas, createNode) {
  const [left, top, width, height] = canvas.ds.visible_area;
  const corner = [left + (width - SIZE[0]) / 2, top + (height - SIZE[1]) / 2];
  canvas.emitBeforeChange?.();
  /** @type {Record<string, any>} */
  const made = {};
  for (const [type, [x, y]] of NODES) {
    const node = createNode(type);
    node.pos = [Math.round(corner[0] + x), Math.round(corner[1] + y)];
    canvas.graph.add(node);
    made[type] = node;
  }
  for (const [from, output, to, input] of WIRES) made[from].connect(output, made[to], input);
  canvas.emitAfterChange?.();
  canvas.deselectAll?.();
  canvas.selectItems?.(Object.values(made));
}
