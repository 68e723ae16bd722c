"""Help pages and docs: every node is explained whole, and what is named or quoted exists."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "js" / "docs"
SURFACE = json.loads((ROOT / "tests" / "golden" / "nodes.json").read_text(encoding="utf-8"))
WORKFLOWS = {path.stem: path for path in (ROOT / "workflows").glob("*.json")}
DOCS = [ROOT / "docs" / f"{name}.md" for name in ("first_clip_to_4k", "troubleshooting")]
OURS = [*sorted(PAGES.glob("*.md")), *DOCS]
ROOMS = ("nodes", "models", "sampling", "video", "training", "dev", "js")
LARGEST = {".png": 30_000, ".jpg": 40_000}
SHORTEST_QUOTE = 12  # characters
INPUTS, OUTPUTS = "## Inputs", "## Outputs"


def page(node):
    return (PAGES / f"{node}.md").read_text(encoding="utf-8")


def section(node, heading):
    """The lines from a heading to the next one."""
    return page(node).partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def items(node, heading):
    """What the points of a list are about, in their order."""
    heads = re.findall(r"^- ((?:\*\*[^*]+\*\*(?:, )?)+)", section(node, heading), re.MULTILINE)
    return [name for head in heads for name in re.findall(r"\*\*([^*]+)\*\*", head)]


def linked(file):
    """Files of this repository that a text links to or shows."""
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    return [target for target in targets if not target.startswith(("http://", "https://"))]


def nodes_of(workflow):
    graph = json.loads(workflow.read_text(encoding="utf-8"))
    inner = graph.get("definitions", {}).get("subgraphs", [])
    return {node["type"] for part in (graph, *inner) for node in part["nodes"]}


@pytest.mark.parametrize("node", SURFACE)
def test_a_page_has_the_name_of_its_node(node):
    assert page(node).splitlines()[0] == f"# {SURFACE[node]['display_name']}"


@pytest.mark.parametrize("node", SURFACE)
def test_a_page_explains_every_input_in_the_order_of_the_node(node):
    assert items(node, INPUTS) == list(SURFACE[node]["inputs"])


@pytest.mark.parametrize("node", SURFACE)
def test_a_page_names_every_output(node):
    assert items(node, OUTPUTS) == list(SURFACE[node]["outputs"])


@pytest.mark.parametrize("node", SURFACE)
def test_a_page_shows_its_node(node):
    assert f"(pictures/{node}.png)" in page(node)


@pytest.mark.parametrize("node", SURFACE)
def test_a_page_names_a_workflow_that_has_the_node(node):
    """In its last paragraph, which is missing where no workflow has the node."""
    last = page(node).rstrip().rpartition("\n\n")[2]
    found = re.findall(r"\*(\w+)\*", last) if "workflow" in last else []
    named = sorted(WORKFLOWS.keys() & set(found))
    assert [name for name in named if node not in nodes_of(WORKFLOWS[name])] == []
    assert named or not any(node in nodes_of(workflow) for workflow in WORKFLOWS.values())


@pytest.mark.parametrize("file", sorted(PAGES.glob("*.md")), ids=lambda file: file.stem)
def test_a_page_is_of_a_node(file):
    assert file.stem in SURFACE


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_what_a_text_links_to_exists(file):
    assert [target for target in linked(file) if not (file.parent / target).is_file()] == []


@pytest.mark.parametrize("file", sorted((PAGES / "pictures").iterdir()), ids=lambda file: file.name)
def test_a_picture_is_small_and_shown(file):
    assert file.stat().st_size <= LARGEST[file.suffix]
    assert any(f"pictures/{file.name}" in text.read_text(encoding="utf-8") for text in OURS)


def words_of_code():
    """The texts in the code; a value that is put in is an ellipsis."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            yield from map(text_of, ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        for file in (*(ROOT / room).rglob("*.mjs"), *(ROOT / room).rglob("*.js")):
            yield file.read_text(encoding="utf-8")


def text_of(node):
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    return "…" if isinstance(node, ast.FormattedValue) else ""


@pytest.fixture(scope="module")
def said():
    return "\n".join(words_of_code())


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_messages_that_are_quoted_are_those_of_the_code(file, said):
    """A quotation has straight quotes; an ellipsis stands for anything."""
    text = re.sub(r"```.*?```|`[^`]*`", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    quoted = [re.sub(r"\s+", " ", each) for each in re.findall(r'"([^"]*)"', text)]
    quoted = [each for each in quoted if len(each) >= SHORTEST_QUOTE]
    parts = [part.strip(" .,:()") for each in quoted for part in each.split("…")]
    assert [part for part in parts if part and part not in said] == []
