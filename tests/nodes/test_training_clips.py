"""SVD Training Clips: films to clips with the miniature's networks."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed")]

WIDGETS = {
    "name": "",
    "num_frames": 4,
    "fps": 0,
    "width": 128,
    "height": 64,
    "clips_per_film": 8,
    "mirror": False,
    "validation_share": 0.1,
    "seed": 0,
    "pictures_fps": 7.0,
}


@pytest.fixture
def folders(tmp_path):
    """ComfyUI's input and output folders in one that is new."""
    import folder_paths

    before = folder_paths.get_input_directory(), folder_paths.get_output_directory()
    folder_paths.set_input_directory(str(tmp_path / "input"))
    folder_paths.set_output_directory(str(tmp_path / "output"))
    yield tmp_path
    folder_paths.set_input_directory(before[0])
    folder_paths.set_output_directory(before[1])


@pytest.fixture
def beach(folders):
    """Five pictures that go left by three pixels a frame, and a still."""
    wide = np.random.default_rng(0).integers(0, 255, (8, 20, 3), np.uint8)
    picture = Image.fromarray(wide).resize((160, 64), Image.Resampling.BICUBIC)
    folder = folders / "input" / "films" / "beach"
    folder.mkdir(parents=True)
    for number in range(5):
        picture.crop((3 * number, 0, 3 * number + 128, 64)).save(folder / f"{number}.png")
    picture.crop((32, 0, 160, 64)).save(folder.parent / "beach.png")
    return folder


def run(mini, folder, **widgets):
    from svd_studio.nodes.training_clips import SVDTrainingClips

    assert set(WIDGETS) < {widget.id for widget in SVDTrainingClips.GET_SCHEMA().inputs}
    with patch("comfy_api.latest.ui.PreviewImage") as shown:
        output = SVDTrainingClips.execute(
            vae=mini.vae, clip_vision=mini.image_encoder, folder=folder, **{**WIDGETS, **widgets}
        )
    assert shown.call_args.args[0] is output.args[2]
    return output.args


def test_clips_are_what_the_other_nodes_would_give(mini, beach, folders):
    from svd_studio.nodes.condition import SVDConditioning
    from svd_studio.sampling.motion import motion_bucket_of
    from svd_studio.training.clips.cache import load_clip
    from svd_studio.video.sources.image_file import read_picture

    clips, report, preview = run(mini, "films")
    (entry,) = clips.entries
    assert clips.folder == folders / "output" / "svd_studio" / "training_clips" / "films"
    assert (entry.num_frames, entry.width, entry.height, entry.fps) == (4, 128, 64, 7)
    assert entry.motion_bucket_id == pytest.approx(motion_bucket_of(3 / 128, 7), abs=5)
    assert "1, of 1 films" in report
    assert preview.shape[0] == 1

    clip = load_clip(clips.folder, entry)
    frames = torch.stack([read_picture(beach / f"{number}.png") for number in range(4)])
    torch.testing.assert_close(clip.latents, mini.vae.encode(frames), atol=5e-3, rtol=2e-3)
    still = read_picture(beach.parent / "beach.png")[None]
    positive, _, _ = SVDConditioning.execute(
        mini.image_encoder, mini.vae, still, 128, 64, 4, 127, 7, 0.0, 5, "cover",
        "whole picture (reference)",
    ).args  # fmt: skip
    embedding, told = positive[0]
    torch.testing.assert_close(clip.embedding, embedding[0], atol=5e-3, rtol=2e-3)
    concat = told["concat_latent_image"]
    torch.testing.assert_close(clip.conditioning[:1], concat, atol=5e-3, rtol=2e-3)


def test_a_second_run_asks_no_network(mini, beach):
    first, *_ = run(mini, "films", name="mine")
    with patch("svd_studio.nodes.run_training_clips.encode_film", side_effect=AssertionError):
        again, *_ = run(mini, "films", name="mine")
    assert again == first


def test_a_batch_alone_is_a_film(mini, folders):
    clips, *_ = run(mini, "", images=torch.rand(1, 64, 128, 3).repeat(4, 1, 1, 1))
    assert [entry.source for entry in clips.entries] == ["images from frame 0"]
    assert clips.folder.name == "images"


def test_zeros_are_what_the_model_was_trained_on(mini):
    from svd_studio.nodes.run_training_clips import settings_of

    settings = settings_of(mini.vae, (0, 0, 0, 0), 8, False, 0.1, 0)
    assert (settings.num_frames, settings.width, settings.height) == (14, 256, 144)


@pytest.mark.parametrize(
    ("widgets", "told"),
    [
        ({"folder": ""}, "nothing to train on"),
        ({"folder": "films", "name": "../up"}, r"\.\./up cannot be"),
        ({"folder": "nowhere"}, "nowhere"),
        ({"folder": "films", "num_frames": 6}, "beach is too short: 5 frames"),
    ],
)
def test_what_cannot_be_done_is_said(mini, beach, widgets, told):
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        run(mini, **widgets)


def test_a_cancelled_run_ends(mini, beach):
    import comfy.model_management as management

    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        run(mini, "films")


def test_a_changed_folder_runs_the_node_again(beach):
    from svd_studio.nodes.training_clips import SVDTrainingClips

    fingerprint = SVDTrainingClips.fingerprint_inputs
    before = fingerprint(folder="films", seed=1)
    assert fingerprint(folder="films", seed=1) == before
    assert fingerprint(folder="films", seed=2) != before
    (beach / "0.png").unlink()
    assert fingerprint(folder="films", seed=1) != before
    assert fingerprint(folder="", seed=1) != fingerprint(folder="nowhere", seed=1)
