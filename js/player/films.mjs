/** The films of a graph: shown when the server tells of them, and again when the graph is read anew. */
import { everyNode, nodeByExecutionId } from "../graph/execution_ids.mjs";
import { filmIn } from "./facts.mjs";
import { Holder } from "./holder.mjs";

const MAKERS = new Set([
  "SVDStudioDecode",
  "SVDStudioCameraPreview",
  "SVDStudioWriteVideo",
  "SVDStudioSaveVideo",
]);
const NO_ID = /^[0-]*$/; // of a graph that was never saved: others have the same
const RUNS = 64; // that are looked through after the page was loaded

/** @typedef {import("./facts.mjs").Film} Film */

export class Films {
  /**
   * @param {any} app
   * @param {any} api
   * @param {Document} document
   * @param {() => Promise<{ playerOn: (holder: Holder, app: any, api: any) => any }>} load  the
   *   player, which no page needs before there is a film
   */
  constructor(app, api, document, load) {
    this.app = app;
    this.api = api;
    this.document = document;
    this.load = load;
    /** @type {WeakMap<any, Holder>} */
    this.holders = new WeakMap();
    /** @type {WeakMap<any, any>} */
    this.players = new WeakMap();
    /** @type {WeakMap<any, Film>} the latest of each node */
    this.wanted = new WeakMap();
    /** @type {Map<string, Film>} by graph and execution id */
    this.told = new Map();
    this.lookedBack = false;
  }

  get graph() {
    return this.app.rootGraph ?? this.app.graph;
  }

  /** @param {any} node  a new one */
  prepare(node) {
    if (MAKERS.has(node.comfyClass))
      this.holders.set(node, new Holder(node, this.document.createElement("div")));
  }

  /**
   * What the server says that a node has made.
   * @param {string} executionId
   * @param {any} output
   */
  tell(executionId, output) {
    const film = filmIn(output);
    const node = film && nodeByExecutionId(this.graph, executionId);
    if (!film || !this.holders.has(node)) return;
    this.told.set(this.key(executionId), film);
    return this.show(node, film);
  }

  /** After the graph was read anew, by undo too: its nodes are other objects with the same ids. */
  async restore() {
    const makers = [...everyNode(this.graph)].filter(({ node }) => this.holders.has(node));
    if (makers.length && !this.lookedBack) await this.lookBack();
    for (const { node, executionId } of makers) {
      const film = node.graph && this.told.get(this.key(executionId));
      if (film && !this.wanted.has(node)) await this.show(node, film);
    }
  }

  /** Films that this server made before the page was loaded. */
  async lookBack() {
    this.lookedBack = true;
    const answer = await this.api.fetchApi(`/history?max_items=${RUNS}`).catch(() => null);
    if (!answer?.ok) return;
    const found = new Map(filmsOfRuns(Object.values(await answer.json()), this.api.clientId));
    for (const [key, film] of found) if (!this.told.has(key)) this.told.set(key, film);
  }

  /**
   * @param {any} node
   * @param {Film} film
   */
  async show(node, film) {
    this.wanted.set(node, film);
    const { playerOn } = await this.load();
    if (!node.graph || this.wanted.get(node) !== film) return; // gone, or there is a newer one
    let player = this.players.get(node);
    if (!player) {
      player = playerOn(/** @type {Holder} */ (this.holders.get(node)), this.app, this.api);
      this.players.set(node, player);
    }
    player.show(film);
  }

  /** @param {any} node */
  menuItems(node) {
    const player = this.players.get(node);
    if (!player?.canSaveFrame) return [];
    return [null, { content: "Save Frame as PNG", callback: () => player.saveFrame() }];
  }

  /** @param {string} executionId */
  key(executionId) {
    return keyOf(this.graph.id, this.api.clientId, executionId);
  }
}

/**
 * Films of the server's history, the latest of each node last, by graph and execution id.
 * @param {any[]} runs
 * @param {string | undefined} client  this tab of the browser
 * @returns {Generator<[string, Film]>}
 */
export function* filmsOfRuns(runs, client) {
  for (const { prompt, outputs, meta } of runs) {
    const { client_id, extra_pnginfo } = prompt?.[3] ?? {};
    const graph = extra_pnginfo?.workflow?.id;
    if (NO_ID.test(graph ?? "") && client_id !== client) continue;
    for (const [id, output] of Object.entries(outputs ?? {})) {
      const film = filmIn(output);
      if (film) yield [keyOf(graph, client_id, meta?.[id]?.display_node ?? id), film];
    }
  }
}

/**
 * @param {string | undefined} graph
 * @param {string | undefined} client
 * @param {string} executionId
 */
function keyOf(graph, client, executionId) {
  const unsaved = NO_ID.test(graph ?? "");
  return `${unsaved ? `unsaved ${client}` : graph}/${executionId}`;
}
