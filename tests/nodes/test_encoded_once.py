"""Another seed or motion bucket has nothing encoded again; what matters to the encoders has."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch

pytestmark = pytest.mark.usefixtures("as_executed", "one_thread")

ASKED = {
    "width": 64, "height": 64, "frames": 2, "motion_bucket_id": 127, "fps": 7,
    "augmentation_level": 0.0, "seed": 0, "fit": "cover",
    "clip_framing": "whole picture (reference)",
}  # fmt: skip


class AnotherPacks:
    """A VAE around one of core's, without its patcher."""

    def __init__(self, vae):
        self.svd_info, self.encode = vae.svd_info, vae.encode


class Patched:
    """All that is asked of an encoder."""

    def __init__(self):
        self.patcher = SimpleNamespace(patches_uuid="none")


class Counted:
    """A VAE and an image encoder that note how often they were asked."""

    def __init__(self, mini, patch):
        self.clip_vision, self.vae = mini.image_encoder, mini.vae
        self.pictures = self.embeddings = 0
        encode, embed = self.vae.encode, self.clip_vision.model.forward

        def encoding(pixels):
            self.pictures += 1
            return encode(pixels)

        def embedding(*args, **kwargs):
            self.embeddings += 1
            return embed(*args, **kwargs)

        patch.setattr(self.vae, "encode", encoding)
        patch.setattr(self.clip_vision.model, "forward", embedding)

    def run(self, picture, **changed):
        from svd_studio.nodes.condition import SVDConditioning

        return SVDConditioning.execute(self.clip_vision, self.vae, picture, **ASKED | changed).args

    def asked(self):
        """(pictures, embeddings) since the last time."""
        counts = self.pictures, self.embeddings
        self.pictures = self.embeddings = 0
        return counts


@pytest.fixture
def counted(mini, monkeypatch):
    monkeypatch.setattr("svd_studio.nodes.condition._encoded", fresh())
    return Counted(mini, monkeypatch)


def fresh(latest=16):
    from svd_studio.nodes.encoded_once import EncodedOnce

    return EncodedOnce(latest)


def told(result):
    (positive, negative, latent) = result
    return (
        positive[0][0], positive[0][1]["concat_latent_image"],
        negative[0][0], negative[0][1]["concat_latent_image"], latent["samples"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [{"motion_bucket_id": 40}, {"fps": 12}, {"frames": 4}, {"seed": 9}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_no_encoder_sees_has_nothing_encoded_again(counted, photograph, changed):
    counted.run(photograph)
    assert counted.asked() == (1, 1)
    counted.run(photograph, **changed)
    assert counted.asked() == (0, 0)


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"width": 72}, (1, 0)),
        ({"height": 72}, (1, 0)),
        ({"fit": "stretch"}, (1, 0)),
        ({"augmentation_level": 0.1}, (1, 0)),
        ({"clip_framing": "centre crop (ComfyUI)"}, (0, 1)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_only_the_encoder_that_sees_a_change_is_asked_again(counted, photograph, changed, again):
    counted.run(photograph)
    counted.asked()
    counted.run(photograph, **changed)
    assert counted.asked() == again


def test_with_augmentation_the_seed_is_part_of_the_picture(counted, photograph):
    for seed in (1, 2, 1):
        counted.run(photograph, augmentation_level=0.5, seed=seed)
    assert counted.asked() == (2, 1)


def test_what_is_remembered_is_what_is_computed(counted, photograph, monkeypatch):
    settings = {"augmentation_level": 0.3, "seed": 4, "width": 96}
    counted.run(photograph, **settings)
    remembered = told(counted.run(photograph, motion_bucket_id=3, **settings))
    monkeypatch.setattr("svd_studio.nodes.condition._encoded", fresh())
    anew = told(counted.run(photograph, motion_bucket_id=3, **settings))
    assert counted.asked() == (2, 2)
    for ours, theirs in zip(remembered, anew, strict=True):
        assert torch.equal(ours, theirs)


def test_a_picture_painted_over_is_another_one(counted, photograph):
    picture = photograph.clone()
    before = told(counted.run(picture))
    picture[0, 10:20, 60:70] = 1.0
    after = told(counted.run(picture))
    assert counted.asked() == (2, 2)
    assert not torch.equal(before[1], after[1])


def test_the_same_pixels_in_another_tensor_are_the_same_picture(counted, photograph):
    counted.run(photograph)
    counted.run(torch.cat([photograph.clone(), photograph * 0.5]))
    counted.run(torch.cat([photograph, torch.ones_like(photograph[..., :1])], dim=-1))
    assert counted.asked() == (1, 1)


def test_whoever_writes_into_a_result_spoils_nobody_elses(counted, photograph):
    spoiled = told(counted.run(photograph))
    kept = [part.clone() for part in spoiled]
    for part in spoiled:
        part.fill_(7.0)
    for ours, theirs in zip(told(counted.run(photograph)), kept, strict=True):
        assert torch.equal(ours, theirs)


def test_another_vae_encodes_for_itself(counted, photograph, monkeypatch):
    counted.run(photograph)
    other = AnotherPacks(counted.vae)
    monkeypatch.setattr(counted, "vae", other)
    counted.run(photograph)
    assert counted.asked() == (2, 1)


def test_an_encoder_patched_since_is_asked_again():
    once = fresh()
    encoder = Patched()
    assert once.get(encoder, ("picture",), lambda: torch.zeros(1)) == 0
    encoder.patcher.patches_uuid = "changed"
    assert once.get(encoder, ("picture",), lambda: torch.ones(1)) == 1


def test_a_model_is_neither_kept_alive_nor_outlived(photograph, monkeypatch):
    from svd_studio.models.loader import load_svd
    from svd_studio.models.sources import MINI, open_svd
    from svd_studio.nodes.condition import SVDConditioning

    once = fresh()
    monkeypatch.setattr("svd_studio.nodes.condition._encoded", once)
    loaded = load_svd(open_svd(MINI), "fp32")
    SVDConditioning.execute(loaded.image_encoder, loaded.vae, photograph, **ASKED)
    assert len(once._results) == 2
    encoders = [weakref.ref(loaded.image_encoder), weakref.ref(loaded.vae)]
    del loaded
    gc.collect()
    assert [encoder() for encoder in encoders] == [None, None]
    assert len(once._results) == 0


def test_only_the_latest_are_kept():
    once, encoder, made = fresh(latest=2), Patched(), []

    def ask(name):
        once.get(encoder, (name,), lambda: made.append(name) or torch.zeros(1))

    for name in ("a", "b", "a", "c", "a", "b"):
        ask(name)
    assert made == ["a", "b", "c", "b"]


def test_a_failure_is_not_remembered():
    once, encoder = fresh(), Patched()

    def fails():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        once.get(encoder, ("picture",), fails)
    assert once.get(encoder, ("picture",), lambda: torch.ones(1)) == 1


def test_a_last_frame_that_is_the_first_is_encoded_with_it(counted, photograph):
    """At level 0 both are the same latent: a still from the same picture costs nothing more."""
    from svd_studio.nodes.condition import Framing
    from svd_studio.nodes.ends import end_picture
    from svd_studio.sampling.framing import Fit

    positive, _, _ = counted.run(photograph)
    end = end_picture(
        counted.clip_vision, counted.vae, photograph, positive, Fit.COVER, Framing.WHOLE
    )
    assert counted.asked() == (1, 1)
    assert torch.equal(end.latent, positive[0][1]["concat_latent_image"])
