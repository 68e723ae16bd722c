"""A second picture at the last frame, and films that repeat, in any sampler of core."""

from __future__ import annotations

import pytest
import torch
from svd_studio.sampling.memory import RUNGS
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]

STEPS = 3
TURNS_LATE = 5.0  # a sigma between the first step and the second


@pytest.fixture(scope="module")
def condition(mini, photograph):
    """What SVD Conditioning makes of some frames."""
    from svd_studio.nodes.condition import SVDConditioning

    def condition(frames, motion_bucket_id=127):
        with torch.inference_mode():
            return SVDConditioning.execute(
                mini.image_encoder, mini.vae, photograph, 64, 64, frames, motion_bucket_id, 7, 0.0,
                5, "cover", "whole picture (reference)",
            ).args  # fmt: skip

    return condition


@pytest.fixture(scope="module")
def conditioning(condition):
    """For 4 frames of 64x64: positive, negative and an empty latent."""
    return condition(4)


@pytest.fixture(scope="module")
def second_picture(photograph):
    return photograph[:, :, 32:96].flip(2)


@pytest.fixture
def loop(mini):
    from svd_studio.nodes.ends import SVDSeamlessLoop

    return SVDSeamlessLoop.execute(mini.model, 0.0, 0.0).args[0]


@pytest.fixture(scope="module")
def between(mini, conditioning, second_picture):
    """Put SVD Last Frame on a model."""
    from svd_studio.nodes.ends import SVDLastFrame

    def between(start_sigma=0.0, end_sigma=0.0, positive=conditioning[0], model=mini.model):
        return SVDLastFrame.execute(
            model, positive, mini.image_encoder, mini.vae, second_picture, "cover",
            "whole picture (reference)", start_sigma, end_sigma,
        ).args[0]  # fmt: skip

    return between


@pytest.fixture(scope="module")
def sample(conditioning):
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    def sample(model, sampler="euler", steps=STEPS, conditioning=conditioning, **latent):
        settings = SamplerSettings(7, steps, "karras", sampler, 100.0, 0.0, 2.5)
        positive, negative, empty = conditioning
        made, _ = run_sampler(model, positive, negative, empty | latent, settings)
        return made["samples"]

    return sample


@pytest.fixture
def evaluations(mini):
    """A model that writes down what its network is given, and the list: x, c_concat, y."""
    seen = []

    def look(apply_model, given):
        told = given["c"]
        seen.append((given["input"], told["c_concat"], told["y"], given["cond_or_uncond"]))
        return apply_model(given["input"], given["timestep"], **told)

    watched = mini.model.clone()
    watched.set_model_unet_function_wrapper(look)
    return watched, seen


@pytest.fixture
def whole(between, sample):
    """The film between the two pictures, made by as many threads as the test's own."""
    with torch.inference_mode():
        return sample(between())


@pytest.fixture
def second_latent(mini, second_picture):
    return mini.vae.encode(second_picture)[0]


# ---- what they are for -----------------------------------------------------------------------


def test_a_loop_comes_back_to_its_first_frame(mini, loop, condition, sample):
    lively = condition(8, motion_bucket_id=255)

    def errors(model):
        frames = mini.vae.decode(sample(model, steps=6, conditioning=lively))
        steps = (frames - frames.roll(1, 0)).abs().mean((1, 2, 3))
        return steps[0], steps[1:].mean()

    seam, between_neighbours = errors(loop)
    assert seam <= between_neighbours
    seam, between_neighbours = errors(mini.model)
    assert seam > 2 * between_neighbours


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m", "uni_pc", "euler_cfg_pp"])
def test_the_film_ends_at_the_second_picture(between, sample, second_latent, sampler):
    film = sample(between(), sampler)
    assert_close(film[-1], second_latent, rtol=0, atol=0.02 * float(second_latent.abs().max()))


def test_the_first_frame_stays_the_first_picture(whole, conditioning, second_latent):
    first = conditioning[0][0][1]["concat_latent_image"][0]
    assert (whole[0] - first).abs().mean() < 0.3 * (first - second_latent).abs().mean()


def test_cores_own_sampler_does_it_too(mini, between, loop, conditioning, second_latent):
    import nodes

    def film(model):
        return nodes.KSampler().sample(model, 7, 3, 1.0, "euler", "karras", *conditioning)[0]

    assert_close(film(between())["samples"][-1], second_latent, rtol=0, atol=1e-3)
    assert not torch.equal(film(loop)["samples"], film(mini.model)["samples"])


# ---- what the network is shown ---------------------------------------------------------------


def test_the_network_sees_the_film_backwards_with_the_second_picture(
    evaluations, between, sample, second_latent
):
    watched, seen = evaluations
    sample(between(model=watched), steps=1)
    (from_end, told_last, *_), (from_start, told_first, *_) = seen
    assert torch.equal(from_end.chunk(2)[0], from_start.chunk(2)[0].flip(0))
    pictures = [part.any() for part in told_last.chunk(2)]
    assert sorted(pictures) == [False, True]  # the negative is told of none
    second = told_last.chunk(2)[pictures.index(True)]
    assert (second - second_latent).abs().mean() < 0.1 * (told_first - told_last).abs().max()


def test_what_is_told_frame_by_frame_turns_with_the_film(evaluations, loop, sample, conditioning):
    from svd_studio.nodes.ends import SVDSeamlessLoop

    watched, seen = evaluations
    ((embedding, told),), negative, latent = conditioning
    brighter = torch.arange(4.0).reshape(4, 1, 1, 1) + told["concat_latent_image"]
    positive = [[embedding, told | {"concat_latent_image": brighter}]]
    looped = SVDSeamlessLoop.execute(watched, 0.0, 0.0).args[0]
    sample(looped, steps=1, conditioning=(positive, negative, latent))
    (_, backwards, *_), (_, forwards, *_) = seen
    for turned, straight in zip(backwards.chunk(2), forwards.chunk(2), strict=True):
        assert torch.equal(turned, straight[[0, 3, 2, 1]])


def test_a_loop_has_no_direction(loop, conditioning):
    import comfy.sample
    from svd_studio.sampling.ends import Ends

    positive, negative, latent = conditioning
    noise = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(2))

    def film(noise):
        return comfy.sample.sample(
            loop, noise, 2, 1.0, "euler", "karras", positive, negative, latent["samples"]
        )

    straight, backwards = film(noise), film(Ends.LOOP.turn(noise))
    assert_close(backwards, Ends.LOOP.turn(straight), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("window", "count"),
    [((0.0, 0.0), 6), ((TURNS_LATE, 0.0), 5), ((0.0, TURNS_LATE), 4)],
)
def test_only_steps_in_the_range_of_sigma_evaluate_twice(
    evaluations, between, sample, window, count
):
    watched, seen = evaluations
    sample(between(*window, model=watched))
    assert len(seen) == count


# ---- with others -----------------------------------------------------------------------------


def test_an_empty_range_is_the_model_itself(mini, between):
    assert between(start_sigma=3.0, end_sigma=3.0) is mini.model


def test_the_later_of_two_counts(evaluations, between, sample, second_latent):
    from svd_studio.nodes.ends import SVDSeamlessLoop

    watched, seen = evaluations
    looped = SVDSeamlessLoop.execute(watched, 0.0, 0.0).args[0]
    film = sample(between(model=looped))
    assert len(seen) == 2 * STEPS
    assert_close(film[-1], second_latent, rtol=0, atol=1e-3)


def test_a_seed_makes_one_film(between, sample, whole):
    assert torch.equal(sample(between()), whole)


def test_a_mask_stays_with_its_frames(loop, sample, conditioning):
    kept = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(4, 1, 64, 64)
    mask[1] = 0
    film = sample(loop, samples=kept, noise_mask=mask)
    assert_close(film[1], kept[1], rtol=0, atol=1e-4)
    assert (film[3] - kept[3]).abs().mean() > 0.1


def test_steps_of_others_are_seen_from_both_ends(between, sample, second_latent):
    from svd_studio.models.patches.own_steps import with_own_steps

    def straight_to_the_prediction(denoise, x, sigmas, generator, report):
        x0 = denoise(x, sigmas[0])
        return x0 + (x - x0) * (sigmas[-1] / sigmas[0])

    model = with_own_steps(between(), "test", straight_to_the_prediction, 100.0, 0.0)
    assert_close(sample(model)[-1], second_latent, rtol=0, atol=1e-3)


@pytest.mark.parametrize("plan_first", [True, False])
def test_a_memory_plan_changes_nothing(mini, between, sample, whole, monkeypatch, plan_first):
    from svd_studio.models.patches.memory import with_memory_plan

    monkeypatch.setattr("svd_studio.models.patches.memory.RUNGS", RUNGS[3:])
    if plan_first:
        planned = between(model=with_memory_plan(mini.model, None))
    else:
        planned = with_memory_plan(between(), None)
    assert_close(sample(planned), whole, rtol=0, atol=1e-4 * float(whole.abs().max()))


def test_cancel_ends_the_run_and_leaves_nothing_behind(between, sample, whole, monkeypatch):
    import comfy.model_management as management

    model, calls = between(), []

    def interrupt():
        calls.append(1)
        if len(calls) == 20:
            raise management.InterruptProcessingException

    with monkeypatch.context() as once:
        once.setattr(management, "throw_exception_if_processing_interrupted", interrupt)
        with pytest.raises(management.InterruptProcessingException):
            sample(model)
    assert torch.equal(sample(model), whole)


def test_progress_counts_the_samplers_steps(mini, between, conditioning):
    import comfy.sample

    told = []
    comfy.sample.sample(
        between(), torch.randn(4, 4, 8, 8), STEPS, 1.0, "euler", "karras", *conditioning[:2],
        conditioning[2]["samples"], callback=lambda step, x0, x, steps: told.append((step, steps)),
    )  # fmt: skip
    assert told == [(step, STEPS) for step in range(STEPS)]


# ---- what cannot be done ---------------------------------------------------------------------


def test_another_size_than_the_second_pictures_is_refused(between, sample):
    with pytest.raises(ValueError, match=r"64x64 and the film is 128x64: give SVD Last Frame"):
        sample(between(), samples=torch.zeros(4, 4, 8, 16))


def test_a_conditioning_without_a_picture_is_refused(between, conditioning):
    embedding, _ = conditioning[0][0]
    with pytest.raises(ValueError, match="has no first picture"):
        between(positive=[[embedding, {}]])


def test_other_models_are_refused():
    from types import SimpleNamespace

    from svd_studio.nodes.ends import SVDSeamlessLoop

    with pytest.raises(ValueError, match="connect the MODEL of Load SVD Model"):
        SVDSeamlessLoop.execute(SimpleNamespace(model=object()), 0.0, 0.0)
