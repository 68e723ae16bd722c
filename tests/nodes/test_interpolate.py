"""SVD Interpolate: what goes in as words comes out as frames, lazily."""

import sys
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch

pytestmark = pytest.mark.comfy

WIDGETS = {
    "mode": "factor",
    "factor": 2,
    "target_fps": 24.0,
    "source_fps": 0.0,
    "seconds": 0.0,
    "speed": 1.0,
    "last_frame": "hold (keeps the duration)",
    "loop": False,
    "scene_cut": 0.3,
    "scale": "auto",
}


@pytest.fixture
def node(as_executed):
    from svd_studio.nodes.interpolate import SVDInterpolate
    from svd_studio.nodes.run_interpolate import FLOW

    def run(frames, model_name=FLOW, **changes):
        return SVDInterpolate.execute(frames, model_name, **(WIDGETS | changes)).result

    return run


@pytest.fixture
def clip():
    """(5, 48, 64, 3) of a soft pattern that drifts."""
    soft = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    wide = torch.nn.functional.interpolate(soft, (60, 80), mode="bicubic").clamp(0, 1)[0]
    return torch.stack([wide[:, n : n + 48, n : n + 64].movedim(0, -1) for n in range(5)])


@pytest.fixture
def rife_name(core, rife_file, tmp_path, monkeypatch):
    """The real weights as ComfyUI finds them."""
    import folder_paths

    name = f"named-by-somebody{rife_file.suffix}"
    (tmp_path / name).symlink_to(rife_file)
    folders = {**folder_paths.folder_names_and_paths}
    folders["frame_interpolation"] = ([str(tmp_path)], {rife_file.suffix})
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", folders)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return name


def test_optical_flow_needs_no_file_and_no_rate(node, clip):
    stream, fps, report = node(clip)
    frames = list(stream.frames())
    assert len(frames) == 10
    assert all(torch.equal(frames[2 * n], clip[n]) for n in range(5))
    assert fps == 0
    assert "optical flow" in report
    assert "5 frames" not in frames  # frames are pulled, the report is told before
    assert "source_fps" in report


def test_a_target_rate_is_exact(node, clip):
    stream, fps, report = node(clip, mode="target rate", target_fps=23.976, source_fps=7.0)
    assert stream.clip.rate == Fraction(24000, 1001)
    assert fps == pytest.approx(24000 / 1001)
    assert stream.clip.count == round(5 / 7 * 24000 / 1001)
    assert f"sound: the first {stream.clip.count * 1001 / 24000:.3f} s" in report


def test_a_target_rate_of_images_without_a_rate_is_refused(node, clip):
    with pytest.raises(ValueError, match="source_fps"):
        node(clip, mode="target rate")


def test_seconds_need_no_rate_of_the_film(node, clip):
    stream, fps, report = node(clip, mode="target rate", seconds=2.0)
    assert (stream.clip.count, fps) == (48, 24)
    assert "source_fps" in report


def test_slow_motion_says_that_no_sound_goes_with_it(node, clip):
    stream, _, report = node(clip, source_fps=7.0, speed=0.5)
    assert stream.clip.count == 20
    assert "no sound" in report


def test_a_stream_goes_on_with_its_rate(node, clip):
    from svd_studio.nodes.frames import as_stream

    stream, fps, _ = node(as_stream(clip, Fraction(7)), factor=4, loop=True)
    assert (stream.clip.count, fps) == (20, 28)
    again, fps, report = node(stream, last_frame="shorter (ends with it)")
    assert (again.clip.count, fps) == (39, 56)
    assert report.count("interpolated") == 2


def test_rife_is_recognised_by_its_weights_and_used(node, clip, rife_name):
    stream, _, report = node(clip, rife_name)
    frames = list(stream.frames())
    assert f"{rife_name} (RIFE with blocks of 192, 128, 96, 64 channels)" in report
    assert len(frames) == 10
    blend = (clip[1] + clip[2]) / 2
    assert not torch.allclose(frames[3], blend, atol=1e-2)
    other, _, _ = node(clip, rife_name, scale="0.5")
    assert other.fingerprint() != stream.fingerprint()
    assert node(clip, rife_name)[0].fingerprint() == stream.fingerprint()


def test_the_folder_is_listed_where_it_is_known(rife_name, monkeypatch):
    import folder_paths
    from svd_studio.nodes.run_interpolate import FLOW, list_networks

    assert list_networks() == [FLOW, rife_name]
    folders = {**folder_paths.folder_names_and_paths}
    del folders["frame_interpolation"]
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", folders)
    assert list_networks() == [FLOW]


def test_cores_model_goes_before_the_name(node, clip):
    patcher = core_model()
    stream, _, report = node(clip, "not there.pth", interp_model=patcher)
    frames = list(stream.frames())
    torch.testing.assert_close(frames[1], (clip[0] + clip[1]) / 2)
    assert "with Film" in report


def core_model():
    """A double of core's FILM in the ModelPatcher that its loader gives."""
    import comfy.model_management as management
    from comfy.model_patcher import ModelPatcher

    class Film(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(0.5))

        def get_dtype(self):
            return self.weight.dtype

        def memory_used_forward(self, shape, dtype):
            return 1700 * shape[1] * shape[2] * dtype.itemsize

        def extract_features(self, frame):
            return frame

        def forward_multi_timestep(self, first, second, times, cache=None):
            return torch.cat([torch.lerp(cache["img0"], cache["img1"], t) for t in times])

    cpu = torch.device("cpu")
    return ModelPatcher(Film(), management.get_torch_device(), cpu)


def test_cancel_ends_the_pull_within_a_frame(node, clip):
    import comfy.model_management as management

    stream, _, _ = node(clip, factor=4)
    pull = stream.frames()
    shown = [next(pull), next(pull)]
    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        shown += list(pull)
    assert len(shown) == 2
    assert not management.interrupt_processing


def test_nothing_is_drawn_before_it_is_pulled(node, clip, monkeypatch):
    called = []
    run = sys.modules["svd_studio.nodes.run_interpolate"]
    monkeypatch.setattr(run, "FlowInterpolator", lambda: called.append(1) or SimpleNamespace())
    stream, _, _ = node(clip)
    pull = stream.frames()
    assert not called
    next(pull)
    assert called
