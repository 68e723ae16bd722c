"""dev/api_twins.py: twins are written where they are not up to date, and only there."""

import json

import pytest

DEFINITIONS = {
    "Blue": {"input": {"required": {"width": ["INT", {"default": 8}]}}, "output": ["IMAGE"]}
}


@pytest.fixture
def api_twins(script):
    return script("api_twins")


@pytest.fixture
def workflow(tmp_path):
    (tmp_path / "api").mkdir()
    file = tmp_path / "blue.json"
    node = {"id": 1, "type": "Blue", "title": "Blau «tief»", "widgets_values": [32]}
    file.write_text(json.dumps({"nodes": [node], "version": 0.4}))
    return file


def test_twin_is_written_a_node_a_line(api_twins, workflow):
    assert api_twins.write_twins([workflow], DEFINITIONS, check=False) == 0
    twin = workflow.parent / "api" / "blue.json"
    assert json.loads(twin.read_text("utf-8")) == {
        "1": {"class_type": "Blue", "_meta": {"title": "Blau «tief»"}, "inputs": {"width": 32}}
    }
    assert len(twin.read_text("utf-8").splitlines()) == 3


def test_twin_that_is_up_to_date_stays_as_it_is(api_twins, workflow):
    api_twins.write_twins([workflow], DEFINITIONS, check=False)
    twin = workflow.parent / "api" / "blue.json"
    twin.write_text(json.dumps(json.loads(twin.read_text("utf-8"))))
    before = twin.read_text("utf-8")
    assert api_twins.write_twins([workflow], DEFINITIONS, check=True) == 0
    assert api_twins.write_twins([workflow], DEFINITIONS, check=False) == 0
    assert twin.read_text("utf-8") == before


def test_check_counts_what_is_not_up_to_date_and_writes_nothing(api_twins, workflow, capsys):
    assert api_twins.write_twins([workflow], DEFINITIONS, check=True) == 1
    assert "blue.json" in capsys.readouterr().out
    assert not (workflow.parent / "api" / "blue.json").exists()
