"""API-format graphs: read one, find a node by the name a person would use, change an input.

A graph is what the editor's "Export (API)" writes: {node id: {class_type, inputs, _meta}}. Editor
workflows become one in editor_graphs.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Graph = dict[str, dict[str, Any]]

LOADER, PICTURE = "LoadImage", "Picture"  # of several loaders, --image means the one titled so


class GraphError(ValueError):
    """The graph, or what was asked of it, does not fit; the message is one line."""


def read(path: Path) -> object:
    """What a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"cannot read {path}: {error}") from error


def checked(document: object, path: Path) -> Graph:
    """The document, if it is a graph."""
    if not isinstance(document, dict) or not document or not all(map(is_node, document.values())):
        raise GraphError(
            f"{path} is no graph: expected an editor workflow, or nodes with class_type and inputs"
        )
    return document


def is_node(value: object) -> bool:
    return isinstance(value, dict) and "class_type" in value and "inputs" in value


def title(graph: Graph, node_id: str) -> str:
    node = graph.get(node_id)
    if node is None:
        return f"node {node_id}"
    return node.get("_meta", {}).get("title") or node["class_type"]


def label(graph: Graph, node_id: str) -> str:
    return f"{title(graph, node_id)} (id {node_id}, {graph[node_id]['class_type']})"


def matching_nodes(graph: Graph, name: str) -> list[str]:
    """Ids that `name` may mean; an id wins over a title, and a title over a class."""
    if name in graph:
        return [name]
    titled = [key for key in graph if title(graph, key) == name]
    return titled or [key for key, node in graph.items() if node["class_type"] == name]


def assign(graph: Graph, assignment: str) -> tuple[str, str]:
    """Apply `Node.input=value` in place; the value is JSON where it parses, else plain text.

    Returns the node's id and the input's name.
    """
    target, equals, text = assignment.partition("=")
    if not equals or "." not in target:
        raise GraphError(f"--set {assignment}: expected Node.input=value")
    node_id, name = find_input(graph, target)
    graph[node_id]["inputs"][name] = parse_value(text)
    return node_id, name


def find_input(graph: Graph, target: str) -> tuple[str, str]:
    # Titles may hold dots ("v1.5 loader") and so may inputs, so every dot is tried.
    dots = [place for place, sign in enumerate(target) if sign == "."]
    for place in dots:
        found = matching_nodes(graph, target[:place])
        if found:
            return only_node(graph, target[:place], found), known_input(
                graph, found[0], target[place + 1 :]
            )
    every = ", ".join(label(graph, key) for key in graph)
    raise GraphError(f"--set {target}: no such node; the graph has {every}")


def only_node(graph: Graph, name: str, found: list[str]) -> str:
    if len(found) > 1:
        several = ", ".join(label(graph, key) for key in found)
        raise GraphError(f"--set {name}: several nodes have that name: {several}")
    return found[0]


def known_input(graph: Graph, node_id: str, name: str) -> str:
    inputs = graph[node_id]["inputs"]
    if name not in inputs:
        raise GraphError(
            f"--set: {title(graph, node_id)} has no input {name!r} here; it has {', '.join(inputs)}"
        )
    return name


def parse_value(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads(text)
    except ValueError:
        return text


def picture_node(graph: Graph) -> str:
    """The node that --image is meant for."""
    found = [key for key, node in graph.items() if node["class_type"] == LOADER]
    if not found:
        raise GraphError(f"--image: the graph has no {LOADER} node")
    titled = [key for key in found if title(graph, key) == PICTURE]
    if len(found) > 1 and len(titled) != 1:
        several = ", ".join(label(graph, key) for key in found)
        raise GraphError(
            f"--image: the graph has several {LOADER} nodes and not one titled {PICTURE}: "
            f"{several}; name one: --set Title.image=FILE"
        )
    return found[0] if len(found) == 1 else titled[0]


def settable(graph: Graph) -> list[str]:
    """`Node.input = value`, a line for every input that --set can change."""
    return [
        f"{short_name(graph, key)}.{name} = {json.dumps(value, ensure_ascii=False)}"
        for key, node in graph.items()
        for name, value in node["inputs"].items()
        if not isinstance(value, list)
    ]


def short_name(graph: Graph, node_id: str) -> str:
    """The title where that means one node only, else the id."""
    name = title(graph, node_id)
    return name if matching_nodes(graph, name) == [node_id] else node_id
