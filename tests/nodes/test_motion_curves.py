"""Motion curves: every frame is told its own, in any sampler, and constants change nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from svd_studio.sampling.memory import RUNGS
from svd_studio.sampling.motion_presets import PRESETS
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

FRAMES = 4  # of the conditioning
BUCKET, AUGMENTATION = slice(256, 512), slice(512, 768)  # of the vector; fps is before
SMALL_CHUNKS = replace(RUNGS[2], chunk_elements=2**16)
ROUNDING = 1e-4  # chunks so small round differently, which guidance and steps amplify


@pytest.fixture
def curved(mini, conditioning):
    """The node: model, positive and negative."""
    from svd_studio.nodes.motion import SVDMotionCurves

    def curved(bucket="", augmentation="", reading="as written", start=None):
        start = start or (mini.model, *conditioning[:2])
        return SVDMotionCurves.execute(*start, bucket, reading, "linear", augmentation).args

    return curved


@pytest.fixture
def sample(conditioning):
    """Sample with SVD Sampler's own function: latents (T, 4, h, w)."""
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def sample(model, positive, negative, latent=conditioning[2]):
        settings = SamplerSettings(7, 1, "karras", "euler", 20.0, 0.0, 2.5)
        return run_sampler(model, positive, negative, latent, settings)[0]["samples"]

    return sample


@pytest.fixture
def plain(mini, conditioning):
    return mini.model, *conditioning[:2]


def watch(model):
    """A clone, and the vectors (conds * T, 768) that reach its network, one a pass."""
    vectors = []

    def look(apply_model, arguments):
        vectors.append(arguments["c"]["y"].clone())
        return apply_model(arguments["input"], arguments["timestep"], **arguments["c"])

    watched = model.clone()
    watched.set_model_unet_function_wrapper(look)
    return watched, vectors


def vector_of(mini, **told):
    return mini.model.model.encode_adm(**{"fps": 7, "augmentation_level": 0.02} | told)


def ramp(mini, *buckets):
    return torch.cat([vector_of(mini, motion_bucket_id=bucket) for bucket in buckets])


@pytest.mark.parametrize(
    "constants",
    [("127",), ("", "0.02"), ("0:127 0.3:127 1:127", "0.02, 0.02", "speed"), ()],
    ids=["bucket", "augmentation", "both, as speed", "none"],
)
def test_constant_curves_are_the_plain_values_to_the_last_bit(curved, sample, plain, constants):
    assert torch.equal(sample(*curved(*constants)), sample(*plain))


@pytest.mark.parametrize("curve", [("20, 200",), ("20, 200", "", "speed"), ("", "0, 0.5")])
def test_a_rising_curve_gives_another_film(curved, sample, plain, curve):
    assert not torch.equal(sample(*curved(*curve)), sample(*plain))


def test_both_conditionings_tell_every_frame_its_own(curved, sample, mini):
    model, positive, negative = curved("40, 160")
    watched, vectors = watch(model)
    sample(watched, positive, negative)
    expected = ramp(mini, 40, 80, 120, 160)
    assert vectors
    for vector in vectors:
        assert torch.equal(vector, torch.cat([expected, expected]))


@pytest.mark.parametrize(
    ("curve", "part"),
    [(("10, 90",), BUCKET), (("", "0.1, 0.9"), AUGMENTATION)],
    ids=["bucket", "augmentation"],
)
def test_a_curve_changes_its_own_part_of_the_vector(curved, sample, mini, curve, part):
    model, positive, negative = curved(*curve)
    watched, vectors = watch(model)
    sample(watched, positive, negative)
    differs = (vectors[0] != vector_of(mini)).any(dim=0)
    changed = torch.nonzero(differs)
    assert part.start <= changed.min() <= changed.max() < part.stop


def test_speeds_are_told_as_the_way_so_far(curved, sample, mini):
    model, positive, negative = curved("0, 120", reading="speed")
    watched, vectors = watch(model)
    sample(watched, positive, negative)
    told = ramp(mini, 0, 800**0.5, 2400**0.5, (15200 / 3) ** 0.5)
    assert_close(vectors[0][:FRAMES], told)


def test_conditionings_may_have_different_curves(curved, sample, mini, plain):
    model, positive, _ = curved("40, 160")
    watched, vectors = watch(model)
    sample(watched, positive, plain[2])
    both = vectors[0].chunk(2)
    rising = [torch.equal(half, ramp(mini, 40, 80, 120, 160)) for half in both]
    constant = [torch.equal(half, ramp(mini, *[127] * FRAMES)) for half in both]
    assert sorted(rising) == sorted(constant) == [False, True]


@pytest.mark.parametrize("frames", [2, 3, 7])
def test_a_film_of_any_length_follows_the_whole_curve(curved, sample, mini, frames):
    model, positive, negative = curved("0:40 1:160")
    watched, vectors = watch(model)
    sample(watched, positive, negative, {"samples": torch.zeros(frames, 4, 8, 16)})
    buckets = [40 + 120 * (i / (frames - 1)) for i in range(frames)]
    assert torch.equal(vectors[0][:frames], ramp(mini, *buckets))


def test_core_samplers_follow_the_curves_too(curved, conditioning, plain):
    import nodes

    def film(model, positive, negative):
        sampler = nodes.KSampler()
        return sampler.sample(
            model, 3, 2, 2.5, "euler", "karras", positive, negative, conditioning[2]
        )[0]["samples"]

    assert torch.equal(film(*curved("127")), film(*plain))
    assert not torch.equal(film(*curved("20, 200")), film(*plain))


def test_small_chunks_give_the_same_film(curved, sample, monkeypatch):
    from svd_studio.models.patches import memory

    whole = sample(*curved("20, 200"))
    monkeypatch.setattr(memory, "RUNGS", (SMALL_CHUNKS,))
    chunked = sample(*curved("20, 200"))
    assert (chunked - whole).abs().max() < ROUNDING * whole.abs().max()


def test_conditionings_in_turns_give_the_same_film(curved, sample, mini, plain, monkeypatch):
    from svd_studio.models.patches import memory

    model, positive, _ = curved("20, 200")
    together = sample(model, positive, plain[2])
    monkeypatch.setattr(memory, "share_a_pass", lambda unet, one_pass, conds: one_pass)
    watched, vectors = watch(model)
    in_turns = sample(watched, positive, plain[2])
    assert {len(vector) for vector in vectors} == {FRAMES}
    assert (in_turns - together).abs().max() < ROUNDING * together.abs().max()


@pytest.mark.parametrize("memory_first", [True, False])
def test_a_memory_plan_may_come_before_or_after(curved, sample, plain, memory_first):
    from svd_studio.models.patches.memory import with_memory_plan

    expected = sample(*curved("20, 200"))
    if memory_first:
        planned = curved("20, 200", start=(with_memory_plan(plain[0], None), *plain[1:]))
    else:
        model, *told = curved("20, 200")
        planned = (with_memory_plan(model, None), *told)
    assert torch.equal(sample(*planned), expected)


def test_context_windows_tell_each_window_its_own_frames(curved, mini, conditioning):
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode

    import nodes

    model, positive, negative = curved("10, 60")
    watched, vectors = watch(model)
    windowed = ContextWindowsManualNode.execute(
        watched, FRAMES, 2, "standard_static", 1, False, "pyramid", 0
    ).args[0]
    # This core counts sigmas against frames, so six of them for six frames.
    latent = {"samples": torch.zeros(6, 4, 8, 16)}
    nodes.KSampler().sample(windowed, 3, 5, 1.0, "euler", "karras", positive, negative, latent)
    first, second = vectors[:2]
    assert torch.equal(first, ramp(mini, 10, 20, 30, 40))
    assert torch.equal(second, ramp(mini, 30, 40, 50, 60))


def test_the_patch_goes_with_the_clone(curved, sample, plain):
    before = sample(*plain)
    with_curves = sample(*curved("20, 200"))
    assert torch.equal(sample(*plain), before)
    assert torch.equal(sample(*curved("20, 200")), with_curves)


def test_a_second_node_replaces_its_curves_and_leaves_the_others(curved, sample):
    first = curved("20, 200", "0, 0.3")
    second = curved("60, 90", start=first)
    assert torch.equal(sample(*second), sample(*curved("60, 90", "0, 0.3")))


def test_curves_are_refused_in_words(curved):
    with pytest.raises(ValueError, match=r'Augmentation curve is "0, 50". 50 is out of range'):
        curved("127", "0, 50")


def test_a_model_that_is_not_svd_is_refused_in_words():
    from svd_studio.models.patches.frame_curves import with_frame_curves

    with pytest.raises(ValueError, match="this MODEL is a int: connect the MODEL of Load SVD"):
        with_frame_curves(SimpleNamespace(model=1))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_node_gives_the_preset_and_says_why(core, preset):
    from svd_studio.nodes.motion import SVDMotionPreset

    bucket, augmentation, start, report = SVDMotionPreset.execute(preset, 1.0, 1, 0.5, 60.0).args
    assert (bucket, augmentation) == (
        PRESETS[preset].motion_bucket_id,
        PRESETS[preset].augmentation_level,
    )
    assert start == pytest.approx(PRESETS[preset].start_sigma)
    assert isinstance(bucket, int)
    assert PRESETS[preset].why in report


def test_custom_scales_ones_own(core):
    from svd_studio.nodes.motion import SVDMotionPreset

    assert SVDMotionPreset.execute("custom", 1.0, 90, 0.1, 150.0).args[:2] == (90, 0.1)
    assert SVDMotionPreset.execute("custom", 0.5, 90, 0.1, 150.0).args[:2] == (45, 0.05)
