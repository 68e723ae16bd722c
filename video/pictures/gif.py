"""Animated GIF with one palette for the whole film, so that still areas do not flicker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import av
import av.error
import numpy as np
from av.filter import Graph

from ..publish import unfinished_file
from .packets import Encoding, bgra_frame, decode, encode
from .timing import Timing

FEWEST_COLOURS, MOST_COLOURS, QUALITY_OF_MOST = 32, 256, 80
# About as many pixels of every frame decide on the palette: enough to meet its colours. FFmpeg
# remembers every colour that it met, so they are counted in 6 bits a channel, 4 MiB at most.
SAMPLES = 2**16
# FFmpeg's paletteuse with this is nearest to the film, seen from afar, and flickers least.
DITHER = "floyd_steinberg"
# For the frames that wait until the palette is known.
WAITING = Encoding("nut", "ffv1", "bgra")


def write_gif(
    frames: Iterable[np.ndarray], path: Path, timing: Timing, quality: int, plays: int
) -> int:
    """Write `frames` (H, W, 3 or 4) uint8; `timing` in hundredths. Returns how many there were.

    The colours are chosen by median cut over all frames (FFmpeg's palettegen), and the error of
    every pixel goes to its neighbours (Floyd and Steinberg 1976). Where alpha is below one half
    there is no pixel.
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
        self._graph: Graph | None = None

    def see(self, frame: np.ndarray) -> np.ndarray:
        height, width, channels = frame.shape
        step = max(1, round((height * width / SAMPLES) ** 0.5))
        sample = bgra_frame(_six_bits(frame[::step, ::step]))
        if self._graph is None:
            transparent = int(channels == 4)
            options = f"max_colors={self._colours}:reserve_transparent={transparent}"
            self._graph = Graph()
            source = _source(self._graph, sample)
            choice = self._graph.add("palettegen", options)
            source.link_to(choice)
            choice.link_to(self._graph.add("buffersink"))
            self._graph.configure()
        self._graph.push(sample)
        # The graph only works when something is asked of it, and keeps every frame until then.
        for _ in _ready(self._graph):
            pass
        return frame

    def chosen(self) -> av.VideoFrame:
        self._graph.push(None)
        return self._graph.pull()


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


def _six_bits(frame: np.ndarray) -> np.ndarray:
    """`frame` with black, white and alpha as they were."""
    return (frame & 0xFC) | (frame >> 6)


def _cut_out(frame: np.ndarray) -> np.ndarray:
    """`frame` with alpha of 0 or 255, and no colours where it is 0 that a palette could waste."""
    if frame.shape[-1] == 3:
        return frame
    return np.where(frame[..., 3:] < 128, np.uint8(0), frame | np.array([0, 0, 0, 255], np.uint8))
