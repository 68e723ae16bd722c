"""Editor workflows as API graphs, without an editor: what its "Export (API)" would write.

An editor workflow (version 0.4 or 1) says how a graph looks; its widgets are lists of values, and
only the node definitions, which `/object_info` of a running server has, know which is which. Muted
nodes, notes and what only draws go; bypassed nodes, reroutes and subgraphs are looked through, as
the editor does. A node inside of subgraphs gets their ids before its own: "3:7:1".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from editor_widgets import Slot, input_slots, output_types, shown_title, widget_values
from graphs import Graph, GraphError

Node = dict[str, Any]
Definitions = Mapping[str, Mapping[str, Any]]  # what /object_info answers

MUTED, BYPASSED = 2, 4
NOTES = frozenset({"Note", "MarkdownNote"})
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
VIRTUAL = NOTES | {REROUTE, PRIMITIVE}
ENTRANCE = -10  # the node that stands for a subgraph's inputs
ANY_TYPE = ("*", "", 0)


class Link(NamedTuple):
    origin: int | str
    slot: int
    target: int | str
    target_slot: int


class Sheet(NamedTuple):
    """One canvas: the whole graph, or the inside of a subgraph."""

    nodes: Mapping[str, Node]
    links: Mapping[int, Link]
    entrances: Sequence[str] = ()  # names of a subgraph's inputs
    exits: Sequence[int | None] = ()  # the link at each of its outputs


class Place(NamedTuple):
    """A node where it stands; `around` is the subgraph node that it is inside of."""

    node: Node
    sheet: Sheet
    around: Place | None = None

    @property
    def id(self) -> str:
        own = str(self.node["id"])
        return f"{self.around.id}:{own}" if self.around else own

    @property
    def is_left_out(self) -> bool:
        return self.node.get("mode") in (MUTED, BYPASSED)


class Fixed(NamedTuple):
    """A value where a link might have been."""

    value: Any


class Output(NamedTuple):
    node_id: str
    slot: int


Source = Fixed | Output | None


def is_editor_workflow(document: object) -> bool:
    return isinstance(document, dict) and isinstance(document.get("nodes"), list)


def to_api(workflow: Mapping[str, Any], definitions: Definitions) -> Graph:
    """The graph that the editor would queue; raises GraphError for nodes that nobody knows."""
    try:
        return Flat(workflow, definitions).graph()
    except RecursionError as error:
        raise GraphError("links of the workflow go round in a circle") from error
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise GraphError(f"the workflow is damaged: {type(error).__name__} {error}") from error


def read_sheet(drawn: Mapping[str, Any]) -> Sheet:
    links = dict(map(read_link, drawn.get("links") or ()))
    exits = [next(iter(slot.get("linkIds") or ()), None) for slot in drawn.get("outputs") or ()]
    return Sheet(
        {str(node["id"]): node for node in drawn["nodes"]},
        links,
        [slot["name"] for slot in drawn.get("inputs") or ()],
        exits,
    )


def read_link(link: Sequence | Mapping[str, Any]) -> tuple[int, Link]:
    """[id, from, slot, to, slot, type], or the same as an object."""
    if isinstance(link, Mapping):
        names = ("origin_id", "origin_slot", "target_id", "target_slot")
        return link["id"], Link(*(link[name] for name in names))
    return link[0], Link(*link[1:5])


class Flat:
    """A workflow and the node definitions that it is read with."""

    def __init__(self, workflow: Mapping[str, Any], definitions: Definitions) -> None:
        inside = (workflow.get("definitions") or {}).get("subgraphs") or ()
        self.definitions = definitions
        self.subgraphs = {drawn["id"]: read_sheet(drawn) for drawn in inside}
        self.sheet = read_sheet(workflow)

    def graph(self) -> Graph:
        kept = [place for place in self.places(self.sheet) if self.is_queued(place)]
        graph = {place.id: self.api_node(place) for place in kept}
        for node in graph.values():
            node["inputs"] = {
                name: value
                for name, value in node["inputs"].items()
                if not is_link(value) or value[0] in graph
            }
        return graph

    def places(self, sheet: Sheet, around: Place | None = None) -> Iterator[Place]:
        """Every node, those of subgraphs in place of their subgraph node."""
        for node in sorted(sheet.nodes.values(), key=lambda node: node.get("order", 0)):
            place = Place(node, sheet, around)
            inside = self.subgraphs.get(node["type"])
            if inside is None:
                yield place
            elif not place.is_left_out:
                refuse_recursion(place)
                yield from self.places(inside, place)

    def is_queued(self, place: Place) -> bool:
        kind = place.node["type"]
        if place.is_left_out or kind in VIRTUAL:
            return False
        if kind not in self.definitions:
            name = place.node.get("title") or kind
            raise GraphError(f"{name} (id {place.id}): this ComfyUI has no node {kind}")
        return True

    def api_node(self, place: Place) -> dict[str, Any]:
        node = place.node
        definition = self.definitions[node["type"]]
        inputs = {name: wrapped(value) for name, value in widget_values(node, definition).items()}
        for slot in self.slots(place):
            source = self.source(place, slot)
            if isinstance(source, Output):
                inputs[slot.name] = list(source)
            elif isinstance(source, Fixed):
                inputs[slot.name] = wrapped(source.value)
        order = {slot.name: place for place, slot in enumerate(input_slots(node, definition))}
        known = dict(sorted(inputs.items(), key=lambda item: order.get(item[0], len(order))))
        title = {"title": shown_title(node, definition)}
        return {"class_type": node["type"], "_meta": title, "inputs": known}

    def slots(self, place: Place) -> list[Slot]:
        return input_slots(place.node, self.definitions.get(place.node["type"]))

    def source(self, place: Place, slot: Slot, wanted: str | None = None) -> Source:
        """Where the value of an input comes from; None leaves it to the node's own widget."""
        link = place.sheet.links.get(slot.link)
        if link is None:
            return None
        wanted = slot.type if wanted is None else wanted
        if link.origin == ENTRANCE and place.around is not None:
            return self.from_around(place.around, link.slot, wanted)
        origin = Place(place.sheet.nodes[str(link.origin)], place.sheet, place.around)
        return self.output(origin, link.slot, wanted)

    def from_around(self, host: Place, index: int, wanted: str | None) -> Source:
        """What a subgraph node has at one of its inputs: a link, or a widget of its own."""
        name = self.subgraphs[host.node["type"]].entrances[index]
        slot = next((slot for slot in self.slots(host) if slot.name == name), None)
        if slot is not None and slot.link is not None:
            return self.source(host, slot, wanted)
        return self.promoted(host, name)

    def promoted(self, host: Place, name: str) -> Source:
        """The widget of a subgraph node: its own value, or else that of the first inside."""
        own = promoted_value(host.node, name)
        return own if own is not None else self.first_inside(host, name)

    def first_inside(self, host: Place, name: str) -> Source:
        inside = self.subgraphs[host.node["type"]]
        index = list(inside.entrances).index(name)
        for link in inside.links.values():
            if (link.origin, link.slot) != (ENTRANCE, index):
                continue
            place = Place(inside.nodes[str(link.target)], inside, host)
            slot = place.node["inputs"][link.target_slot]
            if place.node["type"] in self.subgraphs:
                found = self.promoted(place, slot["name"])
            else:
                found = self.own_widget(place, slot["name"])
            if found is not None:
                return found
        return None

    def own_widget(self, place: Place, name: str) -> Source:
        definition = self.definitions.get(place.node["type"])
        values = widget_values(place.node, definition) if definition else {}
        return Fixed(values[name]) if name in values else None

    def output(self, place: Place, slot: int, wanted: str | None) -> Source:
        kind = place.node["type"]
        if kind == PRIMITIVE:
            values = place.node.get("widgets_values")
            return Fixed(values[0]) if values else None
        if place.node.get("mode") == BYPASSED:
            return self.through(place, self.bypass(place, slot, wanted), wanted)
        if kind in self.subgraphs:
            return self.from_inside(place, slot, wanted)
        if kind in VIRTUAL:
            return self.through(place, slot, wanted)
        return Output(place.id, slot)

    def from_inside(self, host: Place, index: int, wanted: str | None) -> Source:
        inside = self.subgraphs[host.node["type"]]
        link = inside.links.get(inside.exits[index])
        if link is None or host.is_left_out:
            return None
        if link.origin == ENTRANCE:
            return self.from_around(host, link.slot, wanted)
        return self.output(Place(inside.nodes[str(link.origin)], inside, host), link.slot, wanted)

    def through(self, place: Place, index: int | None, wanted: str | None) -> Source:
        slots = self.slots(place)
        if index is None or index >= len(slots):
            return None
        return self.source(place, slots[index], wanted)

    def bypass(self, place: Place, slot: int, wanted: str | None) -> int | None:
        """The input that a bypassed node lets through to that output."""
        slots = self.slots(place)
        if wanted in ANY_TYPE:
            return slot if slot < len(slots) else 0
        made = output_types(place.node, self.definitions.get(place.node["type"]))[slot]
        fitting = [fits(each.type, made) and fits(each.type, wanted) for each in slots]
        if slot < len(slots) and fitting[slot]:
            return slot
        exact = [index for index, each in enumerate(slots) if each.type == wanted]
        return next(iter([*exact, *(index for index, good in enumerate(fitting) if good)]), None)


def refuse_recursion(place: Place) -> None:
    outer = place.around
    while outer is not None:
        if outer.node["type"] == place.node["type"]:
            raise GraphError(f"the subgraph of node {place.id} contains itself")
        outer = outer.around


def promoted_value(node: Node, name: str) -> Fixed | None:
    """A value that a subgraph node holds itself for its input `name`.

    Editors wrote the names beside the values (properties.proxyWidgets), and newer ones write values
    in the order of the inputs.
    """
    values = node.get("widgets_values") or ()
    proxies = (node.get("properties") or {}).get("proxyWidgets")
    names = [slot["name"] for slot in node.get("inputs") or () if slot.get("widget")]
    if proxies is not None:
        names = [widget if str(owner) == "-1" else None for owner, widget, *_ in proxies]
    held = [value for own, value in zip(names, values, strict=False) if own == name]
    return Fixed(held[0]) if held and held[0] is not None else None


def wrapped(value: object) -> object:
    """A list would be taken for a link."""
    return {"__value__": value} if isinstance(value, list) else value


def is_link(value: object) -> bool:
    return isinstance(value, list)


def fits(first: str, second: str) -> bool:
    """Whether types may be linked; either may be several, with commas."""
    if first in ANY_TYPE or second in ANY_TYPE:
        return True
    return not {*str(first).lower().split(",")}.isdisjoint(str(second).lower().split(","))
