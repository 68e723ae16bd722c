"""SVD Decode and SVD Encode on core's devices: modes, budgets, reports, cancel."""

from __future__ import annotations

import re
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from torch.testing import assert_close

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]


@pytest.fixture(scope="module")
def latent():
    return {"samples": torch.randn(3, 4, 6, 8, generator=torch.Generator().manual_seed(8))}


@pytest.fixture
def decode(mini):
    from svd_studio.nodes.decode import SVDDecode

    def decode(latent, *widgets):
        return SVDDecode.execute(mini.vae, latent, *widgets).args

    return decode


@pytest.fixture
def whole(mini, latent):
    pixels = mini.vae.first_stage_model.decode(latent["samples"])
    return ((pixels + 1) / 2).clamp(0, 1).movedim(1, -1)


@pytest.mark.parametrize("widgets", [(), ("exact", 0.02), ("windowed",)], ids=str)
def test_frames_are_those_of_the_whole_decode(decode, latent, whole, widgets):
    frames, _ = decode(latent, *widgets)
    assert_close(frames, whole, rtol=0, atol=1e-5)


def test_every_budget_gives_the_same_bits(decode, latent):
    frames, _ = decode(latent)
    assert all(torch.equal(decode(latent, "exact", gib)[0], frames) for gib in (0.01, 0.02, 4.0))


def test_report_tells_how_it_was_decoded(decode, latent):
    _, report = decode(latent)
    assert re.fullmatch(
        r"3 frames of 64x48\n"
        r"exact: every frame sees the whole film\n"
        r"activations waited on the device \([\d.]+ GiB\)\n"
        r"estimate [\d.]+ GiB of [\d.]+ GiB, peak [\d.]+ GiB\n"
        r"[\d.]+ s",
        report,
    )


def test_small_budget_says_where_activations_waited(decode, latent):
    assert "in a file" in decode(latent, "exact", 0.007)[1]


def test_report_of_windows_counts_them(decode, latent):
    assert "windowed: 1 of 3 frames" in decode(latent, "windowed")[1]


def test_budget_below_the_smallest_is_refused_in_one_sentence(decode, latent):
    from svd_studio.sampling.ladder import NotEnoughMemoryError

    with pytest.raises(NotEnoughMemoryError, match=r"3 frames of 64x48 needs .* --cpu-vae"):
        decode(latent, "exact", 1e-4)


def test_image_decoder_is_left_to_core(mini, latent):
    from svd_studio.nodes.run_decode import decode_film

    frames = torch.zeros(3, 48, 64, 3)
    vae = SimpleNamespace(
        first_stage_model=SimpleNamespace(decoder=object()), decode=lambda _: frames
    )
    found, report = decode_film(vae, latent["samples"])
    assert found is frames
    assert "image decoder" in report


def test_cancel_stops_the_decode(decode, latent):
    import comfy.model_management as management

    management.interrupt_current_processing(True)
    with pytest.raises(management.InterruptProcessingException):
        decode(latent)
    management.interrupt_current_processing(False)
    assert decode(latent)


def test_memory_that_runs_out_once_is_in_the_report_alone(decode, latent):
    from svd_studio.sampling import decode as module

    expected, run = decode(latent)[0], iter([True])

    def short(*arguments):
        if next(run, False):
            raise torch.OutOfMemoryError
        return moments(*arguments)

    moments = module.moments
    with patch.object(module, "moments", short):
        frames, report = decode(latent)
    assert torch.equal(frames, expected)
    assert "memory ran out 1 times: the clip left the device" in report


def test_encode_is_that_of_core(mini):
    from svd_studio.nodes.decode import SVDEncode

    film = torch.rand(5, 50, 66, 3, generator=torch.Generator().manual_seed(2))
    (latent,) = SVDEncode.execute(mini.vae, film).args
    assert_close(latent["samples"], mini.vae.encode(film), rtol=0, atol=1e-5)


def test_report_is_shown_on_the_node_that_runs(monkeypatch):
    import sys

    from svd_studio.nodes.report import show

    sent = []
    instance = SimpleNamespace(client_id="me", send_progress_text=lambda *text: sent.append(text))
    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=instance))
    monkeypatch.setitem(sys.modules, "server", server)
    show("done", "7")
    show("no node", None)
    monkeypatch.delitem(sys.modules, "server")
    show("no server", "7")
    assert sent == [("done", "7", "me")]


def test_a_loop_is_decoded_as_a_circle(decode):
    """Wherever the circle is cut, its frames are nearly the same; those of a plain film are not."""
    film = torch.randn(8, 4, 6, 8, generator=torch.Generator().manual_seed(9))
    turned = film.roll(3, 0)

    def difference(**told):
        frames, again = (decode({"samples": f, **told})[0] for f in (film, turned))
        return (frames - again.roll(-3, 0)).abs().max()

    assert decode({"samples": film, "svd_studio_circular": True})[0].shape[0] == 8
    assert difference(svd_studio_circular=True) < 0.3 * difference()
