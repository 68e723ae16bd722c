/** What the command palette and the menu can do. */

/**
 * @param {any} app
 * @param {any} api
 * @param {Document} document
 * @param {(type: string) => any} createNode
 */
export function commands(app, api, document, createNode) {
  return [
    {
      id: "svdstudio.openWorkflow",
      label: "SVD Studio: Open a workflow",
      icon: "pi pi-folder-open",
      function: () => app.extensionManager.command.execute("Comfy.BrowseTemplates"),
    },
    {
      id: "svdstudio.addPictureToFilm",
      label: "SVD Studio: Add picture-to-film nodes",
      icon: "pi pi-video",
      function: async () => {
        const { addBasicChain } = await import("./basic_chain.mjs");
        addBasicChain(app.canvas, createNode);
      },
    },
    {
      id: "svdstudio.freeMemory",
      label: "SVD Studio: Free memory",
      icon: "pi pi-eraser",
      function: () => freeMemory(app, api, document),
    },
  ];
}

export const MENU = [
  {
    path: ["SVD Studio"],
    commands: ["svdstudio.openWorkflow", "svdstudio.addPictureToFilm", "svdstudio.freeMemory"],
  },
];

/**
 * @param {any} app
 * @param {any} api
 * @param {Document} document
 */
async function freeMemory(app, api, document) {
  const answer = await api.fetchApi("/free", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ unload_models: true, free_memory: true }),
  });
  const { notify } = await import("../notices/notice.mjs");
  notify(app, document, {
    severity: answer.ok ? "success" : "error",
    title: "Free memory",
    text: answer.ok
      ? "Models and results are let go of as soon as nothing runs."
      : `The server answered ${answer.status}: try again when it is idle.`,
    seconds: 6,
  });
}
