"""A run in its folder: stopped, killed, gone on with, and made longer."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

pytestmark = pytest.mark.comfy


class StoppedError(Exception):
    pass


def nothing(_):
    pass


@pytest.fixture
def run(training):
    """run(recipe, folder): the weights at the end, the average's and the last ones."""
    from svd_studio.training.lora.run import run_lora

    def run(recipe, folder, on_progress=nothing, **more):
        with training(recipe, **more) as stage:
            progress = run_lora(stage, folder, on_progress)
            last = [p.detach().clone() for p in stage.adapters.trained()]
            with stage.averaged():
                return progress, [p.detach().clone() for p in stage.adapters.trained()], last

    return run


def stopping_at(step):
    def on_progress(progress):
        if progress.step == step:
            raise StoppedError

    return on_progress


def assert_same_run(one, other):
    assert one[0].losses == other[0].losses
    assert one[0].validations == other[0].validations
    for ours, theirs in zip(one[1] + one[2], other[1] + other[2], strict=True):
        assert torch.equal(ours, theirs)


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(run, tiny, tmp_path):
    whole = run(tiny(), tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(tiny(), tmp_path / "stopped", stopping_at(3))
    assert_same_run(run(tiny(), tmp_path / "stopped"), whole)
    assert [step for step, _ in whole[0].validations] == [0, 3, 6]


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(run, tiny, tmp_path):
    """What was done after the last save is lost, and is done again."""
    folder, killed = tmp_path / "whole", tmp_path / "killed"
    killed.mkdir()

    def keep_what_a_kill_would(progress):
        if progress.step == 5:
            shutil.copy(folder / "state.pt", killed)
            (killed / "state.part").write_bytes(b"half of a st")

    whole = run(tiny(), folder, keep_what_a_kill_would)
    saved = torch.load(killed / "state.pt", weights_only=True)  # noqa: TID251 - our own file
    assert saved["step"] == 4
    assert_same_run(run(tiny(), killed), whole)


def test_a_finished_run_can_be_made_longer(run, tiny, tmp_path):
    _, short, _ = run(tiny(steps=4), tmp_path)
    seen = []
    progress, long, _ = run(tiny(steps=6), tmp_path, lambda p: seen.append(p.step))
    assert seen == [5, 6]
    assert progress.step == 6
    assert not torch.equal(long[0], short[0])


def test_a_finished_run_is_not_trained_on(run, tiny, tmp_path):
    whole = run(tiny(), tmp_path)
    seen = []
    assert_same_run(run(tiny(), tmp_path, lambda p: seen.append(p.step)), whole)
    assert not seen


def test_a_run_without_an_average_goes_on_too(run, tiny, tmp_path):
    recipe = tiny(steps=4, ema_decay=0.0, validate_every=10)
    whole = run(recipe, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(recipe, tmp_path / "stopped", stopping_at(1))
    assert_same_run(run(recipe, tmp_path / "stopped"), whole)


def test_the_folder_of_another_run_is_refused(run, tiny, tmp_path):
    from svd_studio.training.lora.run import claim

    claim(tmp_path, tiny(steps=1), "base", "clips")
    claim(tmp_path, tiny(rank=4), "base", "clips")  # nothing was trained yet
    claim(tmp_path, tiny(steps=1), "base", "clips")
    run(tiny(steps=1), tmp_path)
    claim(tmp_path, tiny(steps=9, validate_every=1, save_every=7), "base", "clips")
    with pytest.raises(ValueError, match=r"rank was 2, now 4\).*another name"):
        claim(tmp_path, tiny(rank=4), "base", "clips")
    with pytest.raises(ValueError, match="base was base, now other"):
        claim(tmp_path, tiny(), "other", "clips")
    with pytest.raises(ValueError, match="clips was clips, now more"):
        claim(tmp_path, tiny(), "base", "more")


def test_progress_tells_the_loss_and_the_time_left(run, tiny, tmp_path):
    lines = []
    run(tiny(steps=3), tmp_path, lambda p: lines.append(p.describe()))
    assert len(lines) == 3
    assert lines[0].startswith("step 1 of 3, loss ")
    assert lines[1].endswith("left")
    assert "(was " in lines[2]
    assert "left" not in lines[2]


def test_the_metadata_says_what_was_trained_on_what(tiny, clips, mini):
    from svd_studio.training.lora.about import KEY, base_fingerprint, metadata

    weights = mini.model.model.diffusion_model.state_dict()
    base = base_fingerprint(weights)
    assert base_fingerprint({k: t.bfloat16() for k, t in weights.items()}) == base
    found = metadata(tiny(), base, clips, 6, [(0, 0.5), (6, 0.4)])
    assert found["ss_network_dim"] == "2"
    own = json.loads(found[KEY])
    assert own["base"] == base
    assert own["recipe"]["branch"] == "temporal: motion, camera"
    assert own["clips"]["motion_bucket_ids"] == [60, 100, 140]
    assert (own["validation_before"], own["validation"]) == (0.5, 0.4)
    assert "clip 0" not in str(found)
