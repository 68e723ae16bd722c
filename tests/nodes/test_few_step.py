"""Few-step weights in nodes, and that core samples as their publishers do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from svd_studio.sampling.few_step import ANIMATE_LCM
from torch.testing import assert_close

from ..models.few_step_files import COMFY_NAME, write_checkpoint

pytestmark = [pytest.mark.comfy, pytest.mark.usefixtures("as_executed", "one_thread")]
INSIDE = "inside the checkpoint"


@pytest.fixture
def checkpoints(core, tmp_path, monkeypatch):
    """ComfyUI's folder for checkpoints with a few-step one in it."""
    import folder_paths

    write_checkpoint(tmp_path / COMFY_NAME)
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "checkpoints", ([str(tmp_path)], {".safetensors"})
    )


def loaded(name, variant="auto"):
    from svd_studio.nodes.load import LoadSVDModel

    return LoadSVDModel.execute(name, "fp16", variant, INSIDE, INSIDE).args


def test_the_loader_says_that_the_file_is_for_few_steps(checkpoints):
    *_, info = loaded(COMFY_NAME)
    assert info.splitlines()[1] == ANIMATE_LCM.describe()


def test_a_user_can_say_what_the_file_does_not(core):
    from svd_studio.models.patches.few_step import few_step_of

    model, *_, info = loaded("svd-mini", "animatelcm_svd")
    assert few_step_of(model) == ANIMATE_LCM
    assert "(chosen)" in info
    model, *_, info = loaded("svd-mini")
    assert few_step_of(model) is None
    assert len(info.splitlines()) == 1


def test_the_network_is_read_as_in_animate_lcm(mini):
    """c_skip, c_out and c_noise of G-U-N/AnimateLCM, `animatelcm_svd/animate_lcm_utils.py`."""
    sampling = mini.model.get_model_object("model_sampling")
    sigma = ANIMATE_LCM.sigmas(8)[:-1].double()
    x, output = torch.randn(2, 8, 1, 1, 1, generator=torch.Generator().manual_seed(0)).double()
    found = sampling.calculate_denoised(sigma, output, x)
    s = sigma.reshape(-1, 1, 1, 1)
    assert_close(found, x / (s**2 + 1) - output * s / (s**2 + 1).sqrt())
    assert_close(sampling.timestep(sigma), sigma.log() / 4)


def test_lcm_of_core_is_the_stochastic_iteration(mini):
    """x0, then the next sigma times fresh noise, none at the end (Song et al. 2023)."""
    from comfy.k_diffusion.sampling import sample_lcm

    sampling = mini.model.get_model_object("model_sampling")
    generator = torch.Generator().manual_seed(0)
    noises = list(torch.randn(4, 3, 4, 2, 2, generator=generator))
    sigmas, start = ANIMATE_LCM.sigmas(4), 700 * noises[0]

    class Denoiser:
        inner_model = SimpleNamespace(inner_model=SimpleNamespace(model_sampling=sampling))

        def __call__(self, x, sigma):
            return x / (sigma.reshape(-1, 1, 1, 1) + 1)

    fresh = iter([noise.clone() for noise in noises[1:]])
    found = sample_lcm(
        Denoiser(), start.clone(), sigmas, noise_sampler=lambda *_: next(fresh), disable=True
    )
    x = start
    for number in range(4):
        x = x / (sigmas[number] + 1)
        if number < 3:
            x = x + sigmas[number + 1] * noises[number + 1]
    assert_close(found, x)


def test_four_steps_are_four_evaluations(mini, conditioning):
    from comfy.patcher_extension import WrappersMP
    from svd_studio.models.patches.guidance import with_guidance
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    rows = []

    def watch(executor, x, *args, **kwargs):
        rows.append(x.shape[0])
        return executor(x, *args, **kwargs)

    model = with_guidance(mini.model, ANIMATE_LCM.guidance)
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    settings = SamplerSettings(1, 4, "karras", ANIMATE_LCM.sampler, 0.0, 0.0, 1.0)
    latent, _ = run_sampler(model, *conditioning, settings, ANIMATE_LCM.sigmas(4))
    assert rows == [4] * 4  # four frames, without those of the pass without the picture
    assert latent["samples"].isfinite().all()


def test_the_report_of_the_sampler_says_it(mini, conditioning):
    from svd_studio.models.loader import INFO_KEY, info_of
    from svd_studio.nodes.run_sampler import SamplerSettings, run_sampler

    model = mini.model.clone()
    model.set_attachments(INFO_KEY, replace(info_of(model), few_step=ANIMATE_LCM))
    settings = SamplerSettings(1, 1, "karras", "lcm", 0.0, 0.0, 1.0)
    _, report = run_sampler(model, *conditioning, settings)
    assert ANIMATE_LCM.describe() in report
