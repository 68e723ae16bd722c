"""Animated GIF with one palette for the whole film, so that still areas do not flicker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import av
import av.error
import numpy as np
from av.filter import Graph
from PIL import Image

from ..publish import unfinished_file
from .packets import Encoding, bgra_frame, decode, encode
from .timing import Timing

FEWEST_COLOURS, MOST_COLOURS, QUALITY_OF_MOST = 32, 256, 80
# Pixels that decide on the palette, taken evenly from all frames. More of them made it no better.
MOST_SAMPLES = 2**16
# k-means goes on until no more pixels than this change their colour.
SETTLED = 1
# Of FFmpeg's ways this is near to the film pixel by pixel, nearer from afar, and flickers least.
DITHER = "floyd_steinberg"
# For the frames that wait until the palette is known.
WAITING = Encoding("nut", "ffv1", "bgra")


def write_gif(
    frames: Iterable[np.ndarray], path: Path, timing: Timing, quality: int, plays: int
) -> int:
    """Write `frames` (H, W, 3 or 4) uint8; `timing` in hundredths. Returns how many there were.

    The colours are chosen over all frames by median cut and k-means (PIL), and the error of every
    pixel goes to its neighbours (Floyd and Steinberg 1976). Where alpha is below one half there is
    no pixel.
    """
    palette = _Palette(quality)
    with unfinished_file(path.parent) as waiting:
        seen = (bgra_frame(palette.see(_cut_out(frame)), n) for n, frame in enumerate(frames))
        count = encode(seen, waiting, WAITING, timing.tick)
        # FFmpeg counts repeats, and 0 stands for endless.
        repeats = {0: 0, 1: -1}.get(plays, plays - 1)
        options = {"loop": str(repeats), "final_delay": str(timing.length(count - 1))}
        encoding = Encoding("gif", "gif", "pal8", {}, options)
        with closing(decode(waiting)) as again:
            drawn = _timed(_drawn(again, palette.chosen()), timing)
            encode(drawn, path, encoding, timing.tick)
    return count


class _Palette:
    """Looks at frames, and has the colours for all of them then."""

    def __init__(self, quality: int) -> None:
        share = min(1.0, quality / QUALITY_OF_MOST)
        self._colours = round(FEWEST_COLOURS + (MOST_COLOURS - FEWEST_COLOURS) * share)
        self._samples = np.empty((0, 3), np.uint8)
        self._step = 1
        self._alpha = False

    def see(self, frame: np.ndarray) -> np.ndarray:
        pixels = frame.reshape(-1, frame.shape[-1])
        if frame.shape[-1] == 4:
            self._alpha = True
            pixels = pixels[pixels[:, 3] > 0, :3]
        self._samples = np.concatenate((self._samples, pixels[:: self._step]))
        while len(self._samples) > MOST_SAMPLES:
            # Sides of pictures are even more often than divisible by 3: no column is favoured.
            self._samples = self._samples[::3]
            self._step *= 3
        return frame

    def chosen(self) -> av.VideoFrame:
        """256 colours, 16x16, as FFmpeg wants a palette; with alpha the last one is nothing."""
        samples = self._samples if len(self._samples) else np.zeros((1, 3), np.uint8)
        picture = Image.fromarray(samples[None])
        chosen = picture.quantize(self._colours - self._alpha, kmeans=SETTLED).getpalette("RGB")
        # Repeated where there are fewer: any other colour would be one more.
        colours = np.resize(np.array(chosen, np.uint8).reshape(-1, 3), (MOST_COLOURS, 3))
        alpha = np.full((MOST_COLOURS, 1), 255, np.uint8)
        palette = np.concatenate((colours, alpha), axis=1)
        if self._alpha:
            palette[-1] = 0
        return bgra_frame(palette.reshape(16, 16, 4))


def _drawn(frames: Iterable[av.VideoFrame], palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """`frames` in the colours of `palette`."""
    graph = None
    for frame in frames:
        if graph is None:
            graph = Graph()
            source, colours = _source(graph, frame), _source(graph, palette)
            use = graph.add("paletteuse", f"dither={DITHER}")
            source.link_to(use, 0, 0)
            colours.link_to(use, 0, 1)
            use.link_to(graph.add("buffersink"))
            graph.configure()
            colours.push(palette)
            colours.push(None)
        source.push(frame)
        yield from _ready(graph)
    source.push(None)
    yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _source(graph: Graph, like: av.VideoFrame) -> av.filter.context.FilterContext:
    return graph.add(
        "buffer",
        f"video_size={like.width}x{like.height}:pix_fmt={like.format.name}:time_base=1/1000:"
        "pixel_aspect=1/1",
    )


def _timed(frames: Iterable[av.VideoFrame], timing: Timing) -> Iterator[av.VideoFrame]:
    for number, frame in enumerate(frames):
        frame.pts = timing.start(number)
        yield frame


def _cut_out(frame: np.ndarray) -> np.ndarray:
    """`frame` with alpha of 0 or 255, and no colours where it is 0 that a palette could waste."""
    if frame.shape[-1] == 3:
        return frame
    return np.where(frame[..., 3:] < 128, np.uint8(0), frame | np.array([0, 0, 0, 255], np.uint8))
