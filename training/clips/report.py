"""A set of clips in words, and as a picture of its clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np

from ...drawing import opencv as cv2
from ...drawing.canvas import GROUND, INK, Canvas
from .cache import load_thumbnails
from .clip_set import ClipEntry, ClipSet

FASTEST = 255  # motion bucket
MOST_REASONS = 10  # in a report
MOST_CLIPS = 12  # on a contact sheet
COLUMNS = 2
CELL = 192, 128  # pixels, of one frame
LABEL, GAP = 20, 8
LETTERS = 74  # in a label


def describe(clips: ClipSet) -> str:
    """How many clips of which sizes, how they move, which are held out, and what was skipped."""
    films = {_film(entry) for entry in clips.entries}
    sizes = Counter((e.num_frames, e.width, e.height, e.fps) for e in clips.entries)
    told = ", ".join(
        f"{number} of {frames} frames {width}x{height} at {fps} fps"
        for (frames, width, height, fps), number in sizes.most_common()
    )
    lines = [
        f"clips        {len(clips.entries)}, of {len(films)} films; in {clips.folder}",
        f"sizes        {told}",
        f"motion       {_motion(clips)}",
        f"training     {len(clips.training)}",
        f"held out     {_held_out(clips)}",
        f"skipped      {len(clips.skipped) or 'nothing'}",
        *(f"- {reason}" for reason in clips.skipped[:MOST_REASONS]),
    ]
    if len(clips.skipped) > MOST_REASONS:
        lines.append(f"- and {len(clips.skipped) - MOST_REASONS} more")
    return "\n".join(lines)


def contact_sheet(clips: ClipSet) -> np.ndarray:
    """First, middle and last frame of up to 12 clips, spread over the set: uint8 (H, W, 3)."""
    shown = _spread(clips.entries, MOST_CLIPS)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    wide, high = 3 * CELL[0] + GAP, CELL[1] + LABEL + GAP
    canvas = Canvas(columns * wide + GAP, rows * high + GAP)
    places = [
        (GAP + i % columns * wide, GAP + i // columns * high + LABEL) for i in range(len(shown))
    ]
    for entry, (x, y) in zip(shown, places, strict=True):
        canvas.text(_label(entry), (x, y - LABEL / 2), INK, 8)
    sheet = canvas.finished()
    for entry, (x, y) in zip(shown, places, strict=True):
        for number, frame in enumerate(load_thumbnails(clips.folder, entry)):
            left = x + number * CELL[0]
            sheet[y : y + CELL[1], left : left + CELL[0]] = _in_cell(frame)
    return sheet


def _motion(clips: ClipSet) -> str:
    buckets = [entry.motion_bucket_id for entry in clips.entries]
    told = f"bucket {min(buckets)} to {max(buckets)}, median {median(buckets):.0f}"
    fastest = buckets.count(FASTEST)
    return told + (f"; {fastest} at {FASTEST}, as fast as it can tell" if fastest else "")


def _held_out(clips: ClipSet) -> str:
    sources = [entry.source for entry in clips.held_out]
    return f"{len(sources)}: {'; '.join(sources)}" if sources else "none"


def _film(entry: ClipEntry) -> str:
    return entry.source.rsplit(" from frame ", 1)[0]


def _label(entry: ClipEntry) -> str:
    held_out = ", held out" if entry.held_out else ""
    told = f", motion {entry.motion_bucket_id}{held_out}"
    source = entry.source.encode("ascii", "replace").decode()
    room = LETTERS - len(told)
    return (source if len(source) <= room else f"...{source[3 - room :]}") + told


def _in_cell(frame: np.ndarray) -> np.ndarray:
    """The frame as large as fits, in the middle of the ground."""
    width, height = CELL[0] - GAP, CELL[1]
    scale = min(width / frame.shape[1], height / frame.shape[0])
    size = tuple(max(1, round(side * scale)) for side in (frame.shape[1], frame.shape[0]))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    cell = np.full((CELL[1], CELL[0], 3), GROUND, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def _spread(entries: Sequence[ClipEntry], most: int) -> list[ClipEntry]:
    count = min(most, len(entries))
    last = max(1, count - 1)
    return [entries[number * (len(entries) - 1) // last] for number in range(count)]
