"""Streams in a graph: from latents, and into a batch."""

from __future__ import annotations

import re
from fractions import Fraction
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from svd_studio.video.ahead import ahead
from svd_studio.video.sources.images import ImageBatch
from svd_studio.video.stream import FrameStream
from svd_studio.video.trim import Trim

from .watched import Watched

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

FRAMES = torch.rand(9, 4, 6, 3, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def texts():
    """What is shown on nodes."""
    shown = []
    with (
        patch("svd_studio.nodes.pull.show", lambda text, node_id: shown.append((text, node_id))),
        patch(
            "svd_studio.nodes.frames_to_images.show",
            lambda text, node_id: shown.append((text, node_id)),
        ),
    ):
        yield shown


def to_images(frames, **widgets):
    from svd_studio.nodes.frames_to_images import SVDFramesToImages

    return SVDFramesToImages.execute(frames, **widgets).args


def test_a_stream_becomes_a_batch_and_says_what_that_takes(texts):
    stream = FrameStream(Watched(FRAMES)).then(Trim(2, 5))
    images, fps, report = to_images(stream)
    assert torch.equal(images, FRAMES[2:7])
    assert (images.dtype, fps) == (torch.float32, 8.0)
    assert re.search(r"the batch takes 0\.00 GiB of memory, [\d.]+ GiB are free", report)
    assert texts[0][0] == report  # before the first frame


def test_a_batch_stays_the_same_batch(texts):
    images, fps, _ = to_images(FRAMES)
    assert images is FRAMES
    assert fps == 0


def test_alpha_and_half_precision_become_a_float_batch(texts):
    images = torch.rand(2, 4, 6, 4).half()
    assert torch.equal(to_images(FrameStream(ImageBatch(images)))[0], images.float())


def test_a_batch_that_does_not_fit_is_refused_unless_asked_for_anyway(texts):
    source = Watched(FRAMES)
    memory = SimpleNamespace(available=100)
    with patch("svd_studio.nodes.frames_to_images.psutil.virtual_memory", lambda: memory):
        with pytest.raises(ValueError, match=r"takes 0\.00 GiB.*turn on anyway"):
            to_images(FrameStream(source))
        assert source.log == []
        assert torch.equal(to_images(FrameStream(source), anyway=True)[0], FRAMES)


@pytest.fixture(scope="module")
def latents():
    return torch.randn(6, 4, 6, 8, generator=torch.Generator().manual_seed(8))


@pytest.fixture
def from_latent(mini):
    from svd_studio.nodes.frame_sources import SVDFramesFromLatent

    def from_latent(samples, **told):
        (stream,) = SVDFramesFromLatent.execute(mini.vae, {"samples": samples, **told}, 7.0).args
        return stream

    return from_latent


@pytest.mark.parametrize("told", [{}, {"svd_studio_circular": True}], ids=["film", "loop"])
def test_frames_of_latents_are_those_of_svd_decode(mini, from_latent, latents, told):
    from svd_studio.nodes.decode import SVDDecode

    whole, _ = SVDDecode.execute(mini.vae, {"samples": latents, **told}).args
    stream = from_latent(latents, **told)
    assert (stream.clip.count, stream.clip.rate) == (6, Fraction(7))
    for start in (0, 3, 5):
        found = list(stream.frames(start))
        assert len(found) == 6 - start
        assert all(map(torch.equal, found, whole[start:]))


def test_latents_are_decoded_once_and_only_when_pulled(from_latent, latents):
    from svd_studio.nodes import run_decode

    calls = []
    decode = run_decode.decode_exact

    def counted(*arguments):
        calls.append(1)
        return decode(*arguments)

    with patch.object(run_decode, "decode_exact", counted):
        stream = from_latent(latents)
        assert not calls
        for start in (5, 0, 2):
            list(stream.frames(start))
    assert len(calls) == 1


def test_the_decode_is_cancelled_too_and_begins_anew_afterwards(from_latent, latents):
    import comfy.model_management as management

    stream = from_latent(latents)
    management.interrupt_current_processing(True)
    with pytest.raises(management.InterruptProcessingException):
        next(stream.frames())
    management.interrupt_current_processing(False)
    assert len(list(stream.frames())) == 6


def test_frames_of_latents_can_be_pulled_from_a_thread(from_latent, latents):
    stream = from_latent(latents)
    assert len(list(ahead(stream.frames()))) == 6


def test_fingerprints_of_latents_tell_films_loops_and_weights_apart(mini, from_latent, latents):
    from svd_studio.nodes import decoded_frames

    same = from_latent(latents.clone()).fingerprint()
    prints = {same, from_latent(latents).fingerprint()}
    assert len(prints) == 1
    prints.add(from_latent(latents + 1e-4).fingerprint())
    prints.add(from_latent(latents, svd_studio_circular=True).fingerprint())
    weight = next(mini.vae.first_stage_model.parameters())
    kept = weight.flatten()[0].clone()
    decoded_frames._weights_fingerprints.clear()
    weight.view(-1)[0] += 1e-3
    prints.add(from_latent(latents).fingerprint())
    weight.view(-1)[0] = kept
    decoded_frames._weights_fingerprints.clear()
    assert len(prints) == 4
    assert from_latent(latents).fingerprint() == same


def test_weights_are_read_once_for_each_vae(mini, from_latent, latents):
    from svd_studio.nodes import decoded_frames

    from_latent(latents).fingerprint()
    with patch.object(decoded_frames, "fingerprint") as hashed:
        decoded_frames.weights_fingerprint(mini.vae)
    assert not hashed.called


def test_image_decoders_give_a_frame_at_a_time(latents):
    from svd_studio.nodes.decoded_frames import decoded_frames

    sizes = []

    def decode(z):
        sizes.append(len(z))
        return torch.zeros(len(z), 48, 64, 3)

    vae = SimpleNamespace(first_stage_model=torch.nn.Linear(2, 2), decode=decode, upscale_ratio=8)
    assert len(list(decoded_frames(vae, latents).frames(0))) == 6
    assert sizes == [1] * 6


def test_latents_of_other_models_are_refused(mini, latents):
    from svd_studio.nodes.decoded_frames import decoded_frames

    with pytest.raises(ValueError, match="5 dimensions"):
        decoded_frames(mini.vae, latents[None])
