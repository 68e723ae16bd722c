"""Writes locales/, from which ComfyUI's editor takes names and tooltips in the user's language.

English is read from the schemas and from the front end's settings and commands, so that it is
written once. dev/translations/<language>.json says it in other words, English first: a text whose
English has changed has no translation until somebody looks at it again. What has none is left out,
and the editor shows the English.

As a script it writes the files and says what is missing and what is no longer needed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "locales"
TRANSLATIONS = ROOT / "dev" / "translations"
ENGLISH = "en"
LANGUAGES = ("zh", "ja", "fr", "de")
# What the front end offers beside nodes: each file's export, if it is there.
FRONT_END = {"SETTINGS": "js/settings/settings.mjs", "commands": "js/settings/commands.mjs"}

Tree = dict[str, Any]


@dataclass
class Wording:
    """How one language says it; remembers what it was asked for.

    names: labels by their English or, where one word means two things, by `NodeId.english`.
    texts: sentences by their English.
    """

    names: Mapping[str, str]
    texts: Mapping[str, str]
    asked: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)

    def name(self, english: str, owner: str) -> str | None:
        special = f"{owner}.{english}"
        return self._say(self.names, special if special in self.names else english)

    def text(self, english: str) -> str | None:
        return self._say(self.texts, english)

    def stale(self) -> list[str]:
        return [english for english in (*self.names, *self.texts) if english not in self.asked]

    def _say(self, said: Mapping[str, str], english: str) -> str | None:
        self.asked.add(english)
        if english not in said and english not in self.missing:
            self.missing.append(english)
        return said.get(english)


class English(Wording):
    """Says everything as it is."""

    def name(self, english: str, owner: str) -> str:
        return english

    def text(self, english: str) -> str:
        return english


def wording(language: str) -> Wording:
    if language == ENGLISH:
        return English({}, {})
    file = TRANSLATIONS / f"{language}.json"
    return Wording(**json.loads(file.read_text(encoding="utf-8")))


# ---- the files of a language ---------------------------------------------------------------


def locale_files(nodes: Sequence[Any], front_end: Mapping[str, list], said: Wording) -> Tree:
    """Contents by file name.

    nodes: classes with a V3 schema. front_end: what `front_end_words` gives.
    """
    settings = [each for each in front_end["SETTINGS"] if each.get("type") != "hidden"]
    commands = front_end["commands"]
    labels = [each["label"] for each in commands]
    groups = dict.fromkeys(group for each in settings for group in each["category"][1:-1])
    return {
        "nodeDefs.json": {schema.node_id: node_words(schema, said) for schema in schemas(nodes)},
        "settings.json": kept({key(each): setting_words(each, said) for each in settings}),
        "commands.json": kept({key(each): command_words(each, said) for each in commands}),
        "main.json": {
            "settingsCategories": kept({each: said.name(each, "settings") for each in groups}),
            "menuLabels": kept({label: said.text(label) for label in labels}),
        },
    }


def schemas(nodes: Sequence[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node.define_schema()


def key(owner: Mapping[str, Any]) -> str:
    return owner["id"].replace(".", "_")


def node_words(schema: Any, said: Wording) -> Tree:  # noqa: ANN401 - io.Schema, which is ComfyUI's
    """Outputs go by their place; one without a name of its own has that of its type."""
    owner = schema.node_id
    return kept(
        {
            "display_name": said.name(schema.display_name, owner),
            "description": said.text(schema.description),
            "inputs": {
                each.id: socket_words(each.display_name or each.id, each.tooltip, owner, said)
                for each in schema.inputs
            },
            "outputs": {
                str(place): socket_words(each.display_name or each.id, each.tooltip, owner, said)
                for place, each in enumerate(schema.outputs)
            },
        }
    )


def socket_words(name: str | None, tooltip: str | None, owner: str, said: Wording) -> Tree:
    return kept(
        {
            "name": said.name(name, owner) if name else None,
            "tooltip": said.text(tooltip) if tooltip else None,
        }
    )


def setting_words(setting: Mapping[str, Any], said: Wording) -> Tree:
    tooltip = setting.get("tooltip")
    return kept(
        {
            "name": said.text(setting["name"]),
            "tooltip": said.text(tooltip) if tooltip else None,
        }
    )


def command_words(command: Mapping[str, Any], said: Wording) -> Tree:
    return kept({"label": said.text(command["label"])})


def kept(words: Tree) -> Tree:
    return {name: value for name, value in words.items() if value not in (None, {})}


# ---- where English is written --------------------------------------------------------------


def front_end_words(node: str) -> dict[str, list]:
    """Settings and commands as the front end's modules export them; node: its program."""
    return {
        name: exported(node, ROOT / path, name) if (ROOT / path).is_file() else []
        for name, path in FRONT_END.items()
    }


def exported(node: str, module: Path, name: str) -> list:
    code = f"import * as all from {json.dumps(module.as_uri())};"
    code += f"const found = all[{json.dumps(name)}];"
    code += 'console.log(JSON.stringify(typeof found === "function" ? found() : found))'
    ran = subprocess.run(
        [node, "--input-type=module", "-e", code], check=True, stdout=subprocess.PIPE
    )
    return json.loads(ran.stdout)


def our_nodes() -> Sequence[Any]:
    """The classes of the pack; ComfyUI has to be started before."""
    from svd_studio.nodes import NODES

    return NODES


# ---- the script ----------------------------------------------------------------------------


def write(folder: Path, contents: Mapping[str, Tree]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in contents.items():
        (folder / name).write_text(as_text(words), encoding="utf-8")


def as_text(words: Tree) -> str:
    return json.dumps(words, ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    from comfy_runtime import start_core

    start_core("--cpu")
    node = shutil.which("node")
    if not node:
        print("error: node is not on PATH; settings and commands are read with it", file=sys.stderr)
        return 1
    words = front_end_words(node)
    for language in (ENGLISH, *LANGUAGES):
        said = wording(language)
        write(LOCALES / language, locale_files(our_nodes(), words, said))
        for heading, left in (("missing", said.missing), ("stale", said.stale())):
            for english in left:
                print(f"{language} {heading}: {json.dumps(english, ensure_ascii=False)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
