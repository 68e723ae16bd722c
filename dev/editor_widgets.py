"""What the editor makes of a node definition: its widgets, in order, and its sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Node = Mapping[str, Any]
Definition = Mapping[str, Any]  # one entry of /object_info

# Inputs of other types are sockets. Upload buttons come last and hold nothing to queue.
EMPTY = {
    "INT": 0,
    "FLOAT": 0,
    "BOOLEAN": False,
    "STRING": "",
    "COMBO": None,
    "MARKDOWN": "",
    "TEXTAREA": "",
    "COLOR": "#000000",
}
SEEDS = ("seed", "noise_seed")  # the editor steps these whatever the definition says

UPLOADS = ("image", "animated_image", "video", "audio", "file")


class Slot(NamedTuple):
    name: str
    type: str
    link: int | None


class Spec(NamedTuple):
    """One input of a definition; `kind` says what it is linked to, `widget` what it is shown as."""

    name: str
    kind: str
    widget: str
    options: Mapping[str, Any]

    @property
    def has_widget(self) -> bool:
        return self.widget in EMPTY and not self.options.get("forceInput")

    @property
    def extra_widgets(self) -> int:
        """Widgets right after its own that step it after each run; combos get a filter too."""
        stepped = self.options.get("control_after_generate")
        if self.widget == "COMBO":
            return 2 if stepped else 0
        if self.widget == "INT":
            return int(bool(self.name in SEEDS if stepped is None else stepped))
        return 0

    @property
    def default(self) -> object:
        choices = self.options.get("options") or (None,)
        empty = choices[0] if self.widget == "COMBO" else EMPTY[self.widget]
        return self.options.get("default", empty)


def specs(definition: Definition) -> Iterator[Spec]:
    """The inputs in the order in which the editor shows them: first those that are required."""
    inputs = definition["input"]
    for part in ("required", "optional"):
        listed = inputs.get(part) or {}
        order = (definition.get("input_order") or {}).get(part) or listed
        for name in order:
            kind, *rest = listed[name]
            options = dict(rest[0]) if rest and rest[0] else {}
            if isinstance(kind, list):  # how combos were written once
                kind, options = "COMBO", {"options": kind, **options}
            yield Spec(name, kind, options.get("widgetType") or kind, options)


def takes_uploads(definition: Definition | None, name: str) -> bool:
    """Whether the input has an upload button."""
    listed = list(specs(definition)) if definition else []
    options = next((spec.options for spec in listed if spec.name == name), {})
    return any(options.get(f"{kind}_upload") for kind in UPLOADS)


def widget_values(node: Node, definition: Definition) -> dict[str, Any]:
    """What each widget holds; what the file leaves out has its default."""
    saved = node.get("widgets_values")
    saved = [] if saved is None else saved
    shown = [spec for spec in specs(definition) if spec.has_widget]
    if isinstance(saved, Mapping):
        return {spec.name: saved.get(spec.name, spec.default) for spec in shown}
    values, place = {}, 0
    for spec in shown:
        values[spec.name] = saved[place] if place < len(saved) else spec.default
        place += 1 + spec.extra_widgets
    return values


def input_slots(node: Node, definition: Definition | None) -> list[Slot]:
    """The inputs in the editor's order, sockets before widgets, with the links of the file."""
    saved = {slot["name"]: slot for slot in node.get("inputs") or ()}
    links = {name: slot.get("link") for name, slot in saved.items()}
    # A Reroute, or a subgraph node.
    if definition is None:
        return [Slot(name, slot["type"], links[name]) for name, slot in saved.items()]
    ordered = sorted(specs(definition), key=lambda spec: spec.has_widget)
    slots = [Slot(spec.name, spec.kind, links.get(spec.name)) for spec in ordered]
    known = {slot.name for slot in slots}
    added = [slot for name, slot in saved.items() if name not in known]
    return slots + [Slot(slot["name"], slot["type"], links[slot["name"]]) for slot in added]


def output_types(node: Node, definition: Definition | None) -> list[str]:
    if definition is not None:
        return ["COMBO" if isinstance(kind, list) else kind for kind in definition["output"]]
    return [slot["type"] for slot in node.get("outputs") or ()]


def shown_title(node: Node, definition: Definition) -> str:
    return node.get("title") or definition.get("display_name") or node["type"]
