"""The transformer blocks compiled: core's numbers, few compilations, and what takes precedence."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from svd_studio.sampling.memory import RUNGS

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread", "fresh")]

GUIDED = 3e-5  # one evaluation, its rounding amplified by guidance
MOST_GRAPHS = 24  # four for each of the frames of code that torch makes of a block
SMALL_CHUNKS = replace(RUNGS[2], chunk_elements=2**16)


@pytest.fixture(scope="module")
def fresh():
    """Nothing compiled before counts, and nothing stays; between tests it does, to save time."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


class Backend:
    """In place of inductor: counts graphs and how often they run, and runs them as they are."""

    def __init__(self):
        self.graphs = self.runs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1

        def run(*arguments):
            self.runs += 1
            return graph(*arguments)

        return run


@pytest.fixture(scope="module")
def backend():
    return Backend()


@pytest.fixture(scope="module")
def compiled(mini, backend):
    from svd_studio.models.patches.compiled import with_compiled_blocks

    return with_compiled_blocks(mini.model, backend)


@pytest.fixture
def film(conditioning):
    """film(model): latents of one step of SVD Sampler."""

    def film(model, parts=conditioning):
        from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

        settings = SamplerSettings(7, 1, "karras", "euler", 0.0, 0.0, 2.5)
        return run_sampler(model, *parts, settings)[0]["samples"]

    return film


def relative_error(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="inductor has nothing to compile with")
def test_inductor_makes_core_s_film(mini, film):
    from svd_studio.nodes.compile import SVDCompile

    (model,) = SVDCompile.execute(mini.model).args
    assert relative_error(film(model), film(mini.model)) < GUIDED


def test_one_compilation_serves_films_of_any_size(mini, photograph, film, compiled, backend):
    from svd_studio.nodes.condition import SVDConditioning

    def told(width, height, frames):
        return SVDConditioning.execute(
            mini.image_encoder, mini.vae, photograph, width, height, frames, 127, 7, 0.02, 5,
            "cover", "whole picture (reference)",
        ).args  # fmt: skip

    film(compiled)
    graphs = backend.graphs
    for size in ((128, 64, 6), (192, 128, 4)):
        parts = told(*size)
        assert relative_error(film(compiled, parts), film(mini.model, parts)) < GUIDED
    assert backend.graphs == graphs


def test_compiled_again_costs_no_compilation(mini, film, compiled, backend):
    from svd_studio.models.patches.compiled import with_compiled_blocks

    film(compiled)
    graphs = backend.graphs
    film(with_compiled_blocks(compiled, backend))
    assert backend.graphs == graphs


def test_transformers_in_chunks_call_the_compiled_blocks(
    mini, film, compiled, backend, monkeypatch
):
    film(compiled)
    before = backend.runs
    whole = film(compiled)
    runs = backend.runs - before
    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", (SMALL_CHUNKS,))
    in_chunks = film(compiled)
    assert backend.runs - before - runs > 2 * runs
    assert relative_error(in_chunks, whole) < GUIDED


def test_every_way_through_memory_gives_the_same_film(film, compiled, monkeypatch):
    whole = film(compiled)
    for rung in RUNGS[1:]:
        monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", (rung,))
        assert torch.equal(film(compiled), whole), rung.name


def test_fast_layers_are_compiled_too(mini, film, compiled, backend):
    from svd_studio.models.patches.fast_layers import with_fast_layers

    runs = backend.runs
    assert relative_error(film(with_fast_layers(compiled)), film(mini.model)) < GUIDED
    assert backend.runs > runs
    assert backend.graphs <= MOST_GRAPHS


@pytest.mark.parametrize("window", [(0.0, 0.0), (1000.0, 1.0)], ids=["always", "in a window"])
def test_a_lora_acts(mini, film, compiled, backend, window):
    from svd_studio.nodes.lora_inputs import BUILT_IN
    from svd_studio.nodes.run_lora import LoraSettings, add_lora

    def with_lora(model):
        settings = LoraSettings(1.0, 1.0, 1.0, *window)
        return add_lora(model, next(iter(BUILT_IN)), None, settings)[0]

    film(compiled)
    graphs = backend.graphs
    theirs = film(with_lora(mini.model))
    assert relative_error(theirs, film(mini.model)) > 1e-3
    assert relative_error(film(with_lora(compiled)), theirs) < GUIDED
    once_more = backend.graphs
    assert once_more <= 2 * graphs  # merged weights can be tensors of another kind to torch
    film(with_lora(compiled))
    assert backend.graphs == once_more


def test_patches_of_other_nodes_are_called(mini, film, compiled, backend):
    seen, runs = [], backend.runs

    def look(query, context, value, options):
        seen.append(options["block"])
        return query, context, value

    patched = compiled.clone()
    patched.set_model_attn1_patch(look)
    latents = film(patched)
    assert len(set(seen)) > 3
    assert backend.runs == runs
    assert torch.equal(latents, film(mini.model))


def test_patches_go_with_the_clone(mini, film, compiled, backend):
    film(compiled)
    runs = backend.runs
    film(mini.model)
    assert backend.runs == runs


def test_a_block_that_another_node_replaced_keeps_that(mini, backend):
    from svd_studio.models.patches.compiled import CompiledBlock, with_compiled_blocks

    name = "diffusion_model.middle_block.1.time_stack.0.forward"
    other = mini.model.clone()
    other.add_object_patch(name, len)
    patches = with_compiled_blocks(other, backend).object_patches
    assert patches.pop(name) is len
    assert {type(patch) for patch in patches.values()} == {CompiledBlock}


def test_without_a_compiler_it_says_what_to_install(mini, monkeypatch):
    from svd_studio.nodes.compile import SVDCompile

    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("svd_studio.models.patches.compiled.shutil.which", lambda name: None)
    with pytest.raises(RuntimeError, match="a C\\+\\+ compiler") as error:
        SVDCompile.execute(mini.model)
    assert "take SVD Compile out" in str(error.value)


def test_on_an_accelerator_triton_is_asked_for(mini, monkeypatch):
    from svd_studio.nodes.compile import SVDCompile

    elsewhere = mini.model.clone()
    elsewhere.load_device = torch.device("cuda")
    monkeypatch.setattr("svd_studio.models.patches.compiled.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="the package triton is missing"):
        SVDCompile.execute(elsewhere)


def test_another_kind_of_model_is_refused(mini):
    from svd_studio.nodes.compile import SVDCompile

    stranger = mini.model.clone()
    stranger.model = torch.nn.Identity()
    with pytest.raises(ValueError, match="SVD Compile is for Stable Video Diffusion"):
        SVDCompile.execute(stranger)
