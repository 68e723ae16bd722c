"""Small films, written with PyAV alone: what the pack writes is no witness of what it reads."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

B_FRAMES = {"bf": "3", "x264-params": "open-gop=1:b-pyramid=normal"}


def write_film(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    count: int = 30,
    rate: Fraction | int = 24,
    size: tuple[int, int] = (48, 64),
    options: dict[str, str] | None = None,
    container: str | None = None,
    picture=None,
    gop: int = 10,
    setup=lambda stream: None,
) -> Path:
    """`count` different frames; `picture(n)` (H, W, 3) uint8 instead of the usual ones."""
    height, width = size
    with av.open(str(path), "w", format=container, options={"movflags": "faststart"}) as file:
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.gop_size = gop
        setup(stream)
        for number in range(count):
            array = (picture or _usual(height, width))(number)
            kind = "rgb24" if array.shape[-1] == 3 else "rgba"
            frame = av.VideoFrame.from_ndarray(array, kind).reformat(format=pixels)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def add_sound(path: Path, film: Path, seconds: float, channels: int, late: float = 0.0) -> Path:
    """`film` with a tone whose sample n is known: a click at every half second."""
    rate = 48000
    with av.open(str(film)) as source, av.open(str(path), "w") as file:
        pictures = file.add_stream_from_template(source.streams.video[0])
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
        sound = file.add_stream("pcm_s16le", rate=rate, layout=layout)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                file.mux(packet)
        wave = np.zeros((1, round(seconds * rate) * channels), np.int16)
        wave[:, :: rate // 2 * channels] = 2**14
        frame = av.AudioFrame.from_ndarray(wave, "s16", layout)
        frame.sample_rate, frame.pts = rate, round(late * rate)
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    return path


def _usual(height: int, width: int):
    grain = np.random.default_rng(1).integers(0, 80, (height, width, 3))

    def picture(number: int) -> np.ndarray:
        array = np.roll(grain, number, 1) + number * 4
        array[:, number % width] = 255
        return array.astype(np.uint8)

    return picture
