"""Finishing a clip: ComfyUI's chain, a plain loop and the pack, on the same frames and weights."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from bench_report import Row
from finish_files import clip_file, network_file
from svd_studio.video.metrics import measure_clip
from svd_studio.video.motion_metrics import psnr

CHAINS = Path(__file__).with_name("finish_chains.py")
NETWORK = "realesr-animevideov3-x4"
INTERPOLATOR = "rife-4.6"
CLIP = "bigbuckbunny.mp4"
RATE = 24
ROUNDS = 3
UHD = (3840, 2160)
SMALL, NATIVE = (240, 136), (1024, 576)  # the sizes of frames that go in
SHORT, LONG = 120, 480


@dataclass(frozen=True)
class Took:
    """What one chain took: memory in GiB of the whole process, and where its film is."""

    frames: int
    seconds: float
    peak: float
    late: float
    film: Path


@dataclass(frozen=True)
class Bench:
    """A folder to work in, with the clips that go in and the films that come out."""

    folder: Path

    def clip(self, size: tuple[int, int], count: int) -> Path:
        """`count` frames of the clip in `size`, as often around as it takes."""
        file = self.folder / f"{size[0]}x{size[1]}_{count}.mp4"
        if not file.exists():
            write_clip(resized(size, count), file)
        return file

    def run(
        self, chain: str, size: tuple[int, int], count: int, to: tuple[int, int] | None, *more: str
    ) -> Took:
        film = self.folder / f"{chain}{len(more)}.mp4"
        film.unlink(missing_ok=True)
        command = [sys.executable, CHAINS, chain, self.clip(size, count), network_file(NETWORK)]
        command += [film, "--warm", self.clip(size, 2), *more]
        command += [f"--size={to[0]}x{to[1]}"] if to else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{chain} failed:\n{done.stderr[-2000:]}")
        facts = json.loads(done.stdout.splitlines()[-1])
        return Took(facts["frames"], facts["seconds"], facts["peak"], facts["late"], film)


def measure(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        yield from speed(bench, SMALL, 48)
        if not quick:
            yield from speed(bench, NATIVE, 3)
            yield from memory(bench)


def speed(bench: Bench, size: tuple[int, int], count: int) -> Iterator[Row]:
    """Medians of runs in turn, so that what else the machine does hits all three alike."""
    runs: dict[str, list[Took]] = {chain: [] for chain in ("core", "loop", "ours", "bf16")}
    for _ in range(ROUNDS):
        for name, took in runs.items():
            chain, more = ("ours", ["--precision=bf16"]) if name == "bf16" else (name, [])
            took.append(bench.run(chain, size, count, None, *more))
    a_frame = {
        chain: statistics.median(run.seconds / run.frames for run in took)
        for chain, took in runs.items()
    }
    name = f"{size[0]}x{size[1]} x4, Compact, H.264"
    yield Row(f"{name}: seconds a frame", "s", a_frame["core"], a_frame["ours"], a_frame["core"])
    yield Row(f"{name}: seconds a frame; a plain loop", "s", a_frame["loop"], a_frame["ours"])
    # Where the CPU has instructions for it (AMX) several times as fast, else slower.
    yield Row(f"{name}: seconds a frame; ours in bf16", "s", a_frame["core"], a_frame["bf16"])
    if size == NATIVE:
        return  # the clip has no detail of that size to compare with
    core, ours, bf16 = (quality(bench, size, runs[key][-1]) for key in ("core", "ours", "bf16"))
    yield Row(f"{name}: PSNR against the clip, larger is better", "dB", core[0], ours[0])
    yield Row(f"{name}: PSNR against the clip, ours in bf16", "dB", core[0], bf16[0])
    yield Row(f"{name}: warping error, 0..255", "", core[1], ours[1])


def memory(bench: Bench) -> Iterator[Row]:
    core = bench.run("core", SMALL, SHORT, UHD)
    short, long = (bench.run("ours", SMALL, count, UHD) for count in (SHORT, LONG))
    name = f"{SMALL[0]}x{SMALL[1]} to UHD, Compact, H.264"
    yield Row(f"{name}: {SHORT} frames, peak of the process", "GiB", core.peak, short.peak, 2.5)
    yield Row(f"{name}: {LONG} frames, peak of the process", "GiB", None, long.peak, 2.5)
    # The median of the last third: a peak is the more by chance the longer one looks.
    growth = long.late / short.late
    yield Row(f"{name}: {LONG} frames over {SHORT}, resident memory", "x", None, growth, 1.03)
    yield Row(f"{name}: seconds a frame", "s", per_frame(core), per_frame(short), per_frame(core))
    rife = f"--interpolator={network_file(INTERPOLATOR)}"
    whole = bench.run("ours", (960, 540), 3, None, rife)
    yield Row("960x540 to UHD, Compact, RIFE, H.264: peak", "GiB", None, whole.peak, 2.5)


def per_frame(took: Took) -> float:
    return took.seconds / took.frames


def quality(bench: Bench, size: tuple[int, int], took: Took) -> tuple[float, float]:
    """Mean PSNR against the clip at the film's size, and the film's own warping error in codes."""
    film = np.stack(list(frames_of(took.film)))
    height, width = film.shape[1:3]
    truth = np.stack(list(resized((width, height), len(film))))
    pairs = zip(film, truth, strict=True)
    error = measure_clip(film).warp_error * 255
    return statistics.mean(psnr(made, true) for made, true in pairs), error


def resized(size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """`count` frames (H, W, 3) uint8 of the clip, which starts again when it ends."""
    made = 0
    while made < count:
        for frame in frames_of(clip_file(CLIP)):
            if made == count:
                return
            yield cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            made += 1


def frames_of(file: Path) -> Iterator[np.ndarray]:
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def write_clip(frames: Iterator[np.ndarray], file: Path) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "8"})
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(frames):
            if not number:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
