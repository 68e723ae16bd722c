// Helpers that the tests put into ComfyUI's page; everything goes through its own objects.
window.editor = (() => {
  const { app, LiteGraph } = window;
  const node = (id) => app.graph.getNodeById(id);
  const widget = (id, name) => {
    const found = node(id).widgets?.find((each) => each.name === name);
    if (!found) throw new Error(`${node(id).type} has no widget ${name}`);
    return found;
  };
  const onScreen = (point) => {
    const [x, y] = app.canvas.ds.convertOffsetToCanvas(point);
    const frame = app.canvas.canvas.getBoundingClientRect();
    return [x + frame.left, y + frame.top];
  };

  return {
    widget,

    get: (id, name) => widget(id, name).value,

    set(id, name, value) {
      const found = widget(id, name);
      found.value = value;
      found.callback?.(value);
    },

    /** Add a node by its type; returns its id. */
    add(type, x, y) {
      const made = LiteGraph.createNode(type);
      if (!made) throw new Error(`no node type ${type}`);
      app.graph.add(made);
      made.pos = [x, y];
      return made.id;
    },

    connect(from, output, to, input) {
      const link = node(from).connect(output, node(to), input);
      if (!link) throw new Error(`${output} does not fit ${input} of ${node(to).type}`);
    },

    /** Bring a node into view: the editor makes previews only for nodes that it draws. */
    show(id) {
      app.canvas.centerOnNode(node(id));
    },

    /** From now on: `ended` settles when the server has run a graph, or could not. */
    watch() {
      this.ended = new Promise((resolve, reject) => {
        const listen = (kind, answer) =>
          app.api.addEventListener(kind, (event) => answer(event.detail), { once: true });
        listen("execution_success", () => resolve());
        for (const kind of ["execution_error", "execution_interrupted"])
          listen(kind, (detail) => reject(new Error(detail.exception_message ?? kind)));
      });
      this.ended.catch(() => {}); // whoever waits for it is told
    },

    /** Queue as the Run button does; resolves when the server has run the graph. */
    async run() {
      this.watch();
      await app.queuePrompt(0);
      const refused = Object.keys(app.lastNodeErrors ?? {});
      if (refused.length) throw new Error(JSON.stringify(app.lastNodeErrors));
      await this.ended;
    },

    /** Dialogs, and toasts that report errors, that the user sees now. */
    complaints() {
      const shown = document.querySelectorAll(".p-dialog, .p-toast-message-error");
      return [...shown].map((each) => each.innerText);
    },

    /** Links that do not have both of their ends, and sockets that hold a link that is not there. */
    brokenLinks() {
      const { nodes, links } = app.graph;
      const torn = [...links.values()].filter(
        ({ id, origin_id, origin_slot, target_id, target_slot }) =>
          !node(origin_id)?.outputs[origin_slot]?.links?.includes(id) ||
          node(target_id)?.inputs[target_slot]?.link !== id,
      );
      const sockets = nodes.flatMap(({ inputs = [] }) => inputs);
      const loose = sockets.filter(({ link }) => link != null && !links.has(link));
      return [...torn.map(({ id }) => `link ${id}`), ...loose.map(({ name }) => `socket ${name}`)];
    },

    /** [title, left, top, right, bottom] of every node with its title bar, in graph units. */
    boxes() {
      return app.graph.nodes.map((each) => {
        const [x, y, width, height] = each.getBounding();
        // Nodes 2.0 are elements of the page, as large as what is in them.
        const element = document.querySelector(`[data-node-id="${each.id}"]`);
        const [wide, high] = element ? [element.offsetWidth, element.offsetHeight] : [width, height];
        return [each.title, x, y, x + wide, y + high];
      });
    },

    /** What the file of an output node says, and the player that shows it. */
    film(id) {
      const player = this.player(id)?.querySelector("video, img");
      return {
        file: app.nodeOutputs[id]?.svd_film?.[0],
        width: player?.videoWidth ?? player?.naturalWidth ?? 0,
        height: player?.videoHeight ?? player?.naturalHeight ?? 0,
        visible: (player?.getBoundingClientRect().width ?? 0) > 0,
      };
    },

    /** Whether a node plays what it has made: a browser does not play every format. */
    plays(id) {
      return Boolean(this.player(id)?.querySelector("video, img"));
    },

    /** The piece of page in which a node plays its film. */
    player: (id) => node(id).widgets?.find(({ name }) => name === "svdstudio_film")?.element,

    /** How many pictures of its outputs a node shows. */
    pictures(id) {
      const shown = app.nodeOutputs[id]?.images ?? [];
      return (node(id).imgs ?? []).filter(({ complete }) => complete).length && shown.length;
    },

    /** Places on the screen where the mouse is over each widget and each socket of a node. */
    handles(id) {
      const { widgets = [], inputs, type } = node(id);
      const known = LiteGraph.registered_node_types[type].nodeData.inputs;
      this.show(id);
      const rows = widgets.filter(({ name }) => name in known);
      const sockets = inputs.filter(({ widget }) => !widget);
      const x = node(id).pos[0];
      return [
        ...rows.map(({ name, last_y }) => [name, onScreen([x + 60, node(id).pos[1] + last_y + 10])]),
        ...sockets.map((each) => [each.name, onScreen(node(id).getInputPos(inputs.indexOf(each)))]),
      ].map(([name, place]) => ({ name, place, tooltip: known[name].tooltip ?? "" }));
    },
  };
})();
