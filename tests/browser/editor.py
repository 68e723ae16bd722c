"""ComfyUI's graph editor in a page of Chromium."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HELPERS = (Path(__file__).parent / "editor.js").read_text(encoding="utf-8")
START_MS = 120_000
CLASSIC, NODES_2 = RENDERERS = ("classic", "nodes2")
FILM_MS = 300_000  # a film takes as long as it takes
READY = """() => Boolean(
    window.app?.vueAppReady && window.app.extensionManager && window.LiteGraph
    && window.LiteGraph.registered_node_types.SVDStudioSampler
)"""

# What the front end 1.32.9 complains about whatever the pack; seen with all packs disabled.
NOT_OURS = re.compile(
    r"api\.comfy\.org.* Content Security Policy"  # looks up the packs of nodes there, offline
    r"|404 .*/(user\.css|userdata|favicon\.ico)"  # files of a user who has none yet
    r"|reading 'id'\)\s+at onChange",  # its own settings at the start
    re.DOTALL,
)


class Editor:
    """The page, what it complains of, and what the tests do with it."""

    def __init__(self, page: Any, url: str, renderer: str = CLASSIC) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        page.wait_for_function(READY, timeout=START_MS)
        page.add_script_tag(content=HELPERS)
        page.evaluate(
            "(on) => window.app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)",
            renderer == NODES_2,
        )
        self.renderer = renderer
        self.settle()

    def _note(self, message: Any) -> None:
        text = f"{message.text} {message.location['url']}"
        if message.type == "error" and not NOT_OURS.search(text):
            self.errors.append(text)

    def call(self, name: str, *arguments: object) -> Any:
        """A helper of editor.js."""
        return self.page.evaluate(
            "([name, given]) => window.editor[name](...given)", [name, arguments]
        )

    def open(self, workflow: Path) -> None:
        """Load a file as the editor does when it is dropped onto the canvas."""
        graph = json.loads(workflow.read_text(encoding="utf-8"))
        self.page.evaluate(
            "([graph, name]) => window.app.loadGraphData(graph, true, true, name)",
            [graph, workflow.stem],
        )
        self.settle()

    def forget_complaints(self) -> None:
        """Close dialogs and messages, and forget what the console said."""
        self.page.evaluate("window.app.extensionManager.toast.removeAll()")
        while self.page.locator(".p-dialog").count():
            self.page.keyboard.press("Escape")
            self.settle()
        self.errors.clear()

    def clear(self) -> None:
        self.page.evaluate("window.app.graph.clear()")

    def settle(self, frames: int = 3) -> None:
        """Let the editor draw: sizes and places of widgets are known only afterwards."""
        self.page.evaluate(
            """async (frames) => {
                for (; frames > 0; frames--) await new Promise(requestAnimationFrame);
            }""",
            frames,
        )

    def saved(self) -> dict:
        return self.page.evaluate("window.app.graph.serialize()")

    def prompt(self) -> dict[str, dict]:
        """The graph as it would be queued."""
        return self.page.evaluate("window.app.graphToPrompt().then(({ output }) => output)")

    def press_run(self) -> None:
        """Run the graph with the mouse; returns when the server has run it."""
        self.page.evaluate("window.editor.watch()")
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.evaluate("window.editor.ended")

    def wait_for_film(self, node: int) -> dict:
        """The film that a node shows, once the player knows its size."""
        self.page.wait_for_function(
            "(id) => window.editor.film(id).width > 0", arg=node, timeout=FILM_MS
        )
        self.settle()
        return self.call("film", node)

    def wait_for_pictures(self, node: int) -> None:
        """Until a node that has ended shows its pictures."""
        self.page.wait_for_function(
            "(id) => window.editor.pictures(id) > 0", arg=node, timeout=FILM_MS
        )
        self.settle()
