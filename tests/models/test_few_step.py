"""Few-step checkpoints load and are recognised; others are not taken for one."""

from __future__ import annotations

import json

import pytest
import torch
from svd_studio.models.few_step import few_step_by_file, few_step_by_name, few_step_by_scheduler
from svd_studio.models.sources import MINI, open_svd
from svd_studio.models.svd import VARIANTS, identify
from svd_studio.models.weight_files import WeightFileError
from svd_studio.sampling.few_step import ANIMATE_LCM, TDD
from torch.testing import assert_close

from .few_step_files import COMFY_NAME, DIFFUSERS_NAME, TDD_NAME, write_checkpoint, write_unet


@pytest.mark.parametrize(
    ("name", "expected", "variant"),
    [
        (COMFY_NAME, ANIMATE_LCM, "svd_xt_1_1"),
        (DIFFUSERS_NAME, ANIMATE_LCM, "svd_xt_1_1"),
        ("AnimateLCM-SVD-xt.safetensors", ANIMATE_LCM, "svd_xt"),
        ("animate_lcm_svd.safetensors", ANIMATE_LCM, "svd_xt"),
        ("stable-video-diffusion-img2vid-xt-1-1-lcm", ANIMATE_LCM, "svd_xt_1_1"),
        ("svd_xt_1_1_tdd.safetensors", TDD, "svd_xt_1_1"),
        ("svd.safetensors", None, "svd"),
        ("svd_xt.safetensors", None, "svd_xt"),
        ("svd_xt_1_1.safetensors", None, "svd_xt_1_1"),
        ("stable-video-diffusion-img2vid-xt", None, "svd_xt"),
        ("my favourite.safetensors", None, "svd"),
        ("film_calm_attdd.safetensors", None, "svd"),
        ("fast_4steps.safetensors", None, "svd"),
    ],
)
def test_a_name_tells(name, expected, variant):
    info = identify(name, {})
    assert (info.few_step, info.variant) == (expected, variant)


def test_a_title_tells_before_the_name():
    metadata = {"modelspec.title": "AnimateLCM-SVD-xt 1.1"}
    assert few_step_by_file("renamed.safetensors", metadata) == ANIMATE_LCM


def test_files_with_facts_of_their_own_are_not_judged_by_their_name():
    facts = {"variant": "svd-mini", "num_frames": 14, "width": 256, "height": 144}
    assert identify(COMFY_NAME, {"svd_studio": json.dumps(facts)}).few_step is None


def merge(lora, into, spatial=1.0, temporal=1.0):
    return {"lora": lora, "into": into, "spatial": spatial, "temporal": temporal, "metadata": {}}


@pytest.mark.parametrize(
    ("merges", "expected"),
    [
        ([merge("rain.safetensors", "svd_xt.safetensors")], None),
        ([merge(TDD_NAME, "svd_xt_1_1.safetensors")], TDD),
        ([merge(TDD_NAME, "svd_xt_1_1.safetensors"), merge("rain", "renamed")], TDD),
        ([merge("rain.safetensors", COMFY_NAME)], ANIMATE_LCM),
        ([merge("rain.safetensors", COMFY_NAME), merge("snow", "renamed")], ANIMATE_LCM),
        ([merge(TDD_NAME, "svd_xt.safetensors", temporal=0.0)], None),
        ([], None),
        ("nonsense", None),
        ([{"lora": 3}], None),
    ],
)
def test_a_merged_checkpoint_remembers_under_any_name(merges, expected):
    facts = {"variant": "svd_xt", "num_frames": 25, "width": 1024, "height": 576}
    metadata = {"svd_studio": json.dumps(facts), "svd_studio_merged": json.dumps(merges)}
    assert identify("renamed.safetensors", metadata).few_step == expected


def test_a_title_outlives_a_merge():
    record = json.dumps([merge("rain.safetensors", "renamed.safetensors")])
    metadata = {"modelspec.title": "AnimateLCM-SVD-xt", "svd_studio_merged": record}
    assert few_step_by_file("renamed again.safetensors", metadata) == ANIMATE_LCM


def test_a_merge_record_that_is_no_json_is_ignored():
    assert few_step_by_file("renamed.safetensors", {"svd_studio_merged": "{"}) is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_users_word_wins_over_the_name(variant):
    expected = {"animatelcm_svd": ANIMATE_LCM, "svd_tdd": TDD}.get(variant)
    for name in ("svd_xt.safetensors", COMFY_NAME, TDD_NAME):
        info = identify(name, {}, variant)
        assert (info.few_step, info.source) == (expected, "chosen")


def test_a_scheduler_tells():
    named = {"_class_name": "AnimateLCMSVDStochasticIterativeScheduler"}
    assert few_step_by_scheduler(named) == ANIMATE_LCM
    assert few_step_by_scheduler({"_class_name": "EulerDiscreteScheduler"}) is None
    assert few_step_by_scheduler({}) is None


def test_a_lora_is_told_by_the_same_words():
    assert few_step_by_name(TDD_NAME) == TDD
    assert few_step_by_name("rain.safetensors") is None


def test_the_miniature_is_not_for_few_steps():
    info = open_svd(MINI).info
    assert info.few_step is None
    assert "\n" not in info.describe()


def test_the_description_says_what_to_set():
    lines = identify(COMFY_NAME, {}).describe().splitlines()
    assert lines == [
        f"{COMFY_NAME}: svd_xt_1_1 (guessed from its name), native 25 frames of 1024x576",
        ANIMATE_LCM.describe(),
    ]


@pytest.fixture(scope="module")
def files(core, tmp_path_factory):
    """A checkpoint and a lone UNet, as they are published."""
    folder = tmp_path_factory.mktemp("few_step")
    return {"sgm": write_checkpoint(folder / COMFY_NAME), "diffusers": write_unet(folder / "u")}


@pytest.fixture
def source(files, tmp_path):
    """source(layout, name): the file of that layout under a name."""

    def opened(layout, name):
        link = tmp_path / name
        link.symlink_to(files[layout])
        return open_svd(link, MINI, MINI) if layout == "diffusers" else open_svd(link)

    return opened


@pytest.mark.comfy
@pytest.mark.parametrize(("layout", "name"), [("sgm", COMFY_NAME), ("diffusers", DIFFUSERS_NAME)])
def test_published_layouts_load_whole_and_are_recognised(source, layout, name):
    from svd_studio.models.loader import load_svd
    from svd_studio.models.patches.few_step import few_step_of

    opened = source(layout, name)
    with torch.inference_mode():
        model = load_svd(opened, "fp16").model
    network = model.model.diffusion_model.state_dict()
    weights = opened.read_unet()
    assert weights.keys() == network.keys()
    for key in ("input_blocks.1.1.time_stack.0.attn1.to_q.weight", "out.2.weight"):
        assert_close(network[key], weights[key], rtol=0, atol=0)
    assert few_step_of(model) == few_step_of(model.clone()) == ANIMATE_LCM


@pytest.mark.comfy
@pytest.mark.parametrize("layout", ["sgm", "diffusers"])
def test_the_same_file_under_another_name_is_a_plain_model(source, layout):
    assert source(layout, "renamed.safetensors").info.few_step is None
    assert source(layout, "svd_xt.safetensors").info.few_step is None


@pytest.fixture
def folder(core, tmp_path):
    from .diffusers_twins import write_folder

    return write_folder(open_svd(MINI), tmp_path / "some model")


@pytest.mark.comfy
@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("AnimateLCMSVDStochasticIterativeScheduler", ANIMATE_LCM),
        ("TDDSVDStochasticIterativeScheduler", TDD),
        ("EulerDiscreteScheduler", None),
    ],
)
def test_a_diffusers_folder_is_told_by_its_scheduler(folder, scheduler, expected):
    (folder / "scheduler").mkdir()
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps({"_class_name": scheduler}))
    info = open_svd(folder).info
    assert (info.few_step, info.num_frames) == (expected, 25)
    assert open_svd(folder, variant="svd_xt").info.few_step is None


@pytest.mark.comfy
@pytest.mark.parametrize("text", ["{", "3", "[1]"])
def test_a_damaged_configuration_is_named(folder, text):
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(text)
    with pytest.raises(WeightFileError, match=r"scheduler/scheduler_config.json is damaged"):
        open_svd(folder)
