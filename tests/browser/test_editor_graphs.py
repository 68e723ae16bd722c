"""The editor itself queues what tests/golden/editor_graphs.json says: the oracle of conversions."""

from __future__ import annotations

import json

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.browser

GOLDEN = ROOT / "tests" / "golden" / "editor_graphs.json"
CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]


def meaning(graph):
    return {
        name: {
            "class_type": node["class_type"],
            "inputs": node["inputs"],
            "title": node["_meta"]["title"],
        }
        for name, node in graph.items()
    }


@pytest.fixture(scope="module")
def page(new_editor):
    return new_editor()


@pytest.mark.parametrize("name", CASES)
def test_editor_queues_what_is_recorded(page, tmp_path, name):
    file = tmp_path / "case.json"
    file.write_text(json.dumps(CASES[name]["workflow"]), encoding="utf-8")
    page.open(file)
    assert meaning(page.prompt()) == CASES[name]["prompt"]
