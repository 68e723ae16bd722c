"""The camera editor in the page, and what a user does with it."""

from __future__ import annotations

import json
import uuid

from .editor import CLASSIC

STRAIGHT = '{"version": 1, "fov": 50, "keyframes": [{"time": 0}, {"time": 1}]}'


class CameraEditor:
    """A graph with a picture, a camera that films it, and what a user does with its editor."""

    def __init__(self, editor, texture):
        self.editor, self.page = editor, editor.page
        loaded = graph(texture, "LG" if editor.renderer == CLASSIC else "Vue")
        self.picture, self.node, self.preview, self.save = (node["id"] for node in loaded["nodes"])
        self.load(loaded)

    def load(self, graph):
        self.page.evaluate("(graph) => window.app.loadGraphData(graph, true, true)", graph)
        self.page.evaluate("window.app.canvas.ds.scale = 1")
        self.look()

    def look(self):
        self.editor.call("show", self.node)
        self.settle()

    def settle(self):
        self.panel = self.page.locator(".svd-camera:visible")
        self.panel.locator(".timeline").wait_for(timeout=60_000)
        self.page.wait_for_timeout(300)
        self.editor.settle(5)

    def write(self, text):
        self.editor.call("set", self.node, "keyframes", text)
        self.remember()
        self.editor.settle(3)

    def remember(self):
        """As after any click: the graph's undo starts from here."""
        self.page.evaluate(
            "window.app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()"
        )

    @property
    def text(self):
        return self.page.evaluate("(id) => window.editor.widget(id, 'keyframes').value", self.node)

    @property
    def last(self):
        return json.loads(self.text)["keyframes"][-1]

    def place(self, x, y):
        """On the screen, of a place in frame widths from the picture's centre, while it is 16:9."""
        box = self.panel.locator(".stage canvas").bounding_box()
        wide = min(box["width"] - 52, (box["height"] - 52) * 16 / 9)
        return box["x"] + box["width"] / 2 + x * wide, box["y"] + box["height"] / 2 + y * wide

    def drag(self, start, end):
        """In frame widths; without snapping, so that the hand's own place counts."""
        begin, goal = self.place(*start), self.place(*end)
        self.page.mouse.move(*begin)
        self.page.keyboard.down("Alt")
        self.page.mouse.down()
        self.page.mouse.move(*goal, steps=6)
        self.editor.settle(2)
        self.page.mouse.up()
        self.page.keyboard.up("Alt")
        self.editor.settle(3)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.editor.settle(2)

    def focus(self):
        self.panel.evaluate("(panel) => panel.focus()")

    def button(self, name):
        return self.panel.get_by_role("button", name=name)

    def field(self, name):
        return self.panel.get_by_label(name).first.input_value()

    def undo(self):
        self.press("Control+z")
        self.page.wait_for_timeout(500)
        self.settle()


def graph(texture, renderer):
    """LoadImage and SVD Camera Keyframes into SVD Camera Preview, and a file of its frames.

    Nodes 2.0 spreads a graph out that was laid out for another renderer.
    """
    a, b, c, d = range(4, 8)
    nodes = [
        node_of(a, "LoadImage", [], ["IMAGE", "MASK"], [texture, "image"]),
        node_of(b, "SVDStudioCameraKeyframes", [], ["SVD_CAMERA"], [STRAIGHT], [460, 640]),
        node_of(c, "SVDStudioCameraPreview", ["image", "camera"], ["IMAGE"], [3, 512, 0]),
        node_of(d, "SaveImage", ["images"], [], ["drawn"]),
    ]
    links = [[1, a, 0, c, 0, "IMAGE"], [2, b, 0, c, 1, "SVD_CAMERA"], [3, c, 0, d, 0, "IMAGE"]]
    for link, source, _, target, socket, kind in links:
        nodes[source - a]["outputs"][0]["links"] = [link]
        nodes[target - a]["inputs"][socket] |= {"link": link, "type": kind}
    extra = {"workflowRendererVersion": renderer}
    ids = {"last_node_id": d, "last_link_id": 3, "id": str(uuid.uuid4()), "version": 0.4}
    return ids | {"nodes": nodes, "links": links, "groups": [], "extra": extra}


def node_of(number, kind, inputs, outputs, values, size=(270, 150)):
    return {
        "id": number,
        "type": kind,
        "pos": [1500 * (number % 4), 0],
        "size": list(size),
        "order": number,
        "mode": 0,
        "flags": {},
        "properties": {},
        "inputs": [{"name": name, "type": "*", "link": None} for name in inputs],
        "outputs": [{"name": name, "type": name, "links": []} for name in outputs],
        "widgets_values": values,
    }
