/**
 * What the editor shows: the picture that the film starts from, its proportions and its length,
 * as far as the graph says so before it has run.
 */

const CONSUMERS = ["SVDStudioCameraGuide", "SVDStudioCameraPreview"];
const GUIDE = CONSUMERS[0];
const SUBGRAPH_INPUT = -10;
const SUBGRAPH_OUTPUT = -20;
const BYPASSED = 4;
const FURTHEST = 64; // nodes on the way

/**
 * @typedef {{ filename: string, type: string, subfolder: string }} PictureFile
 * @typedef {{ file: PictureFile | null, aspect: number | null, fit: string, frames: number,
 *   seconds: number }} Source  aspect: height / width of the film; null: the picture's
 */

const NATIVE = { aspect: 9 / 16, frames: 14, fps: 7 };

/**
 * @param {any} node  SVD Camera Keyframes
 * @param {any} rootGraph
 * @param {PictureFile | null} [result]  what the node's `picture` was when it last ran
 * @returns {Source}
 */
export function findSource(node, rootGraph, result = null) {
  const found = consumersOf(node, 0, rootGraph);
  const consumer = found.find((each) => each.type === GUIDE) ?? found[0];
  const own = pictureAbove(node, "picture", rootGraph);
  const given = own && (own.exact ? own.file : (result ?? own.file));
  const filmed = consumer && pictureAbove(consumer, "image", rootGraph);
  return { file: given ?? filmed?.file ?? null, ...filmOf(consumer) };
}

/**
 * Proportions and length of the film. A size of 0 is the model's own; the published ones are 16:9.
 * @param {any} consumer
 */
function filmOf(consumer) {
  const value = (/** @type {string} */ name) => consumer?.widgets?.find((/** @type {any} */ each) => each.name === name)?.value;
  const [width, height] = [Number(value("width")) || 0, Number(value("height")) || 0];
  const guide = consumer?.type === GUIDE;
  const frames = Number(value("frames")) || NATIVE.frames;
  const fps = Number(value("fps")) || NATIVE.fps;
  const whole = guide || !consumer ? NATIVE.aspect : null;
  return {
    aspect: consumer ? (width && height ? height / width : whole) : null,
    fit: (guide && value("fit")) || "cover",
    frames,
    seconds: Math.min(8, Math.max(1.5, frames / fps)),
  };
}

/**
 * Nodes that film or preview the camera of an output.
 * @param {any} node
 * @param {number} slot
 * @param {any} rootGraph
 * @param {Set<string>} [seen]
 * @returns {any[]}
 */
function consumersOf(node, slot, rootGraph, seen = new Set()) {
  /** @type {any[]} */
  const found = [];
  for (const id of node.outputs?.[slot]?.links ?? []) {
    const link = linkOf(node.graph, id);
    if (!link || seen.has(`${node.graph.id}:${id}`) || seen.size > FURTHEST) continue;
    seen.add(`${node.graph.id}:${id}`);
    for (const each of targetsOf(node.graph, link, rootGraph)) {
      if (CONSUMERS.includes(each.type)) found.push(each);
      else
        (each.outputs ?? []).forEach((/** @type {any} */ output, /** @type {number} */ index) => {
          const same = output.type === "SVD_CAMERA" || output.type === "*";
          if (same) found.push(...consumersOf(each, index, rootGraph, seen));
        });
    }
  }
  return found;
}

/**
 * The nodes at the end of a link, across borders of subgraphs.
 * @param {any} graph
 * @param {any} link
 * @param {any} rootGraph
 * @returns {any[]}
 */
function targetsOf(graph, link, rootGraph) {
  if (link.target_id === SUBGRAPH_OUTPUT)
    return holdersOf(rootGraph, graph).flatMap((holder) => linksOut(holder, link.target_slot, rootGraph));
  const target = nodeOf(graph, link.target_id);
  if (!target?.subgraph) return target ? [target] : [];
  const inside = target.subgraph;
  return linksOf(inside)
    .filter((each) => each.origin_id === SUBGRAPH_INPUT && each.origin_slot === link.target_slot)
    .flatMap((each) => targetsOf(inside, each, rootGraph));
}

/**
 * @param {any} node
 * @param {number} slot
 * @param {any} rootGraph
 * @returns {any[]}
 */
function linksOut(node, slot, rootGraph) {
  const links = (node.outputs?.[slot]?.links ?? []).map((/** @type {number} */ id) => linkOf(node.graph, id));
  return links.filter(Boolean).flatMap((/** @type {any} */ link) => targetsOf(node.graph, link, rootGraph));
}

/**
 * The file of the LoadImage that an input gets its picture from; null without a link. `exact`
 * where nothing between can change it.
 * @param {any} node
 * @param {string} name
 * @param {any} rootGraph
 * @returns {{ file: PictureFile | null, exact: boolean } | null}
 */
export function pictureAbove(node, name, rootGraph) {
  let socket = node.inputs?.find((/** @type {any} */ each) => each.name === name);
  if (socket?.link == null) return null;
  let at = node;
  let exact = true;
  for (let step = 0; step < FURTHEST && socket?.link != null; step++) {
    at = originOf(at.graph, linkOf(at.graph, socket.link), rootGraph);
    if (!at) break;
    const file = at.mode === BYPASSED ? null : fileOf(at);
    if (file) return { file, exact };
    exact &&= at.mode === BYPASSED || at.type === "Reroute";
    socket = at.inputs?.find((/** @type {any} */ each) => each.link != null && (each.type === "IMAGE" || each.type === "*"));
  }
  return { file: null, exact: false };
}

/**
 * @param {any} graph
 * @param {any} link
 * @param {any} rootGraph
 * @returns {any}
 */
function originOf(graph, link, rootGraph) {
  if (!link) return null;
  if (link.origin_id === SUBGRAPH_INPUT) {
    const holder = holdersOf(rootGraph, graph)[0];
    const outside = holder?.inputs?.[link.origin_slot]?.link;
    return outside == null ? null : originOf(holder.graph, linkOf(holder.graph, outside), rootGraph);
  }
  const origin = nodeOf(graph, link.origin_id);
  if (!origin?.subgraph) return origin;
  const inside = origin.subgraph;
  const inner = linksOf(inside).find((each) => each.target_id === SUBGRAPH_OUTPUT && each.target_slot === link.origin_slot);
  return originOf(inside, inner, rootGraph);
}

/**
 * What a loader of pictures has chosen: "folder/name.png [output]".
 * @param {any} node
 * @returns {PictureFile | null}
 */
function fileOf(node) {
  if (!/^LoadImage/.test(node.type ?? "")) return null;
  const value = node.widgets?.find((/** @type {any} */ each) => each.name === "image")?.value;
  if (typeof value !== "string" || !value) return null;
  const [, path, type] = /** @type {RegExpExecArray} */ (/^(.*?)(?: \[(\w+)\])?$/s.exec(value));
  const cut = path.lastIndexOf("/") + 1;
  const place = type ?? (node.type === "LoadImageOutput" ? "output" : "input");
  return { filename: path.slice(cut), subfolder: path.slice(0, Math.max(0, cut - 1)), type: place };
}

/**
 * The nodes that a subgraph is inside of.
 * @param {any} graph
 * @param {any} inner
 * @returns {any[]}
 */
function holdersOf(graph, inner) {
  return (graph?.nodes ?? []).flatMap((/** @type {any} */ node) =>
    !node.subgraph ? [] : node.subgraph === inner ? [node] : holdersOf(node.subgraph, inner),
  );
}

/** @param {any} graph @param {any} id */
const nodeOf = (graph, id) => graph.getNodeById(id);

/** @param {any} graph @param {number} id */
const linkOf = (graph, id) => graph.links.get(id);

/** @param {any} graph @returns {any[]} */
const linksOf = (graph) => [...graph.links.values()];
