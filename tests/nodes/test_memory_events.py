"""What the page is told about the memory of a run, and when."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from svd_studio.dev.short_memory import ShortMemory
from svd_studio.sampling.memory import GIBI, RUNGS

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

LARGE = 2**19  # bytes


@pytest.fixture
def told(monkeypatch):
    """Every (event, facts) that a server in the process was given, and progress texts."""
    told = []
    server = SimpleNamespace(
        client_id="page",
        send_sync=lambda event, facts, client: told.append((event, json.loads(json.dumps(facts)))),
        send_progress_text=lambda text, node, client: told.append(("text", text)),
    )
    server_module = SimpleNamespace(PromptServer=SimpleNamespace(instance=server))
    monkeypatch.setitem(sys.modules, "server", server_module)
    return told


@pytest.fixture
def run(mini, conditioning):
    """run(budget in bytes, events): the latents, with SVD Memory Plan's budget."""
    from svd_studio.models.patches.memory import with_memory_plan
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def run(budget=None, events=None):
        settings = SamplerSettings(7, 2, "karras", "euler", 0.0, 0.0, 2.5)
        planned = with_memory_plan(mini.model, budget)
        return run_sampler(planned, *conditioning, settings, events=events)[0]["samples"]

    return run


@pytest.fixture
def events(core):
    from svd_studio.nodes.memory_events import MemoryEvents

    return MemoryEvents("3:7:1")


def test_the_plan_is_told_before_the_first_step_and_the_peak_after_the_last(told, run, events):
    run(2 * GIBI, events)
    (event, planned), (_, ended) = told
    assert event == "svd_studio.memory"
    assert planned["node"] == ended["node"] == "3:7:1"
    assert planned["budget"] == 2 * GIBI
    assert (planned["way"], planned["measured"]) == (RUNGS[0].name, None)
    assert 0 < planned["estimate"] < 2 * GIBI
    assert ended["measured"] > 0
    assert {**ended, "measured": None} == planned


def test_no_limit_is_json_too(told, run, events):
    run(float("inf"), events)
    assert told[0][1]["budget"] is None


def test_memory_that_ran_out_is_told(told, run, events):
    with ShortMemory(LARGE, fail_at={60}):
        run(None, events)
    ended = told[-1][1]
    assert len(ended["retries"]) == 1
    assert "out of memory with whole" in ended["retries"][0]
    assert ended["way"] == RUNGS[1].name


def test_telling_changes_nothing_about_the_film(told, run, events):
    assert torch.equal(run(None, events), run())


def test_what_was_told_last_is_kept_for_the_node(told, run, events):
    assert events.ui() is None
    run(None, events)
    ended = told[-1][1]
    assert events.ui() == {"svd_memory": [{key: ended[key] for key in ended if key != "node"}]}


def test_without_a_server_the_run_is_the_same(run, monkeypatch, core):
    from svd_studio.nodes.memory_events import MemoryEvents

    monkeypatch.delitem(sys.modules, "server", raising=False)
    events = MemoryEvents(None)
    assert torch.equal(run(None, events), run())
    assert events.facts["measured"] > 0


def test_a_model_without_a_plan_is_left_alone(mini, events):
    assert events.watching(mini.model) is mini.model
