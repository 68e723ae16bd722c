"""A stream into a finished film, in pieces that a later render goes on from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from ..disk import DiskFullError, clear_disk_errors
from ..fingerprint import fingerprint
from ..names import check_prefix
from ..publish import publish_numbered
from ..stream import FrameStream
from .deliver import Delivery, delivery_of
from .order import Order, Written
from .pieces import Pull, make_pieces
from .poster import Poster, PosterFrame
from .work_folder import WorkFolder, clear_old_work, open_work_folder

# Another one where the same settings would no longer give the same pieces.
VERSION = 1


def write_stream(
    stream: FrameStream, order: Order, folder: Path, prefix: str, pull: Pull = FrameStream.frames
) -> Written:
    """Write `stream` to `folder/prefix_00001.mp4`, or the next free number and the format's suffix.

    Frames are pulled one at a time with `pull`, encoded in a thread of its own, and kept in pieces
    in a hidden folder beside the film until all are there; then these are joined. After an error, a
    cancel or a crash, the same stream and order go on with the first piece that is missing,
    whatever the prefix, and give the same frames as in one go.

    Raises ValueError for frames or settings that the format cannot hold, or if another process
    writes this film, and `DiskFullError`. Nothing is overwritten; without a finished piece, nothing
    is left behind.
    """
    check_prefix(prefix)
    delivery = delivery_of(stream.clip, order)
    with clear_disk_errors(folder / prefix):
        folder.mkdir(parents=True, exist_ok=True)
    clear_old_work(folder)
    name = fingerprint(VERSION, av.__version__, stream.fingerprint(), *delivery.parts())
    with (
        open_work_folder(folder, name, order.resume) as work,
        _saying_what_is_kept(work, stream.clip.count),
    ):
        found = _finished_frames(work)
        poster = PosterFrame(_shown(order), stream.clip.count, work.path)
        make_pieces(stream, delivery.maker, work, pull, poster.see)
        poster.find(stream, pull)
        finished = delivery.finish(work, prefix)
        size = _size(finished)
        path = publish_numbered(finished, folder, prefix, delivery.suffix)
        beside = _place_poster(poster, path, delivery, order)
    return Written(path, beside, delivery.clip, found, size, tuple(delivery.notes()))


def _shown(order: Order) -> Poster:
    if order.poster is Poster.NONE and order.preview is not None:
        return Poster.MIDDLE
    return order.poster


def _place_poster(poster: PosterFrame, film: Path, delivery: Delivery, order: Order) -> Path | None:
    if order.preview is not None:
        poster.copy_to(order.preview)
    if order.poster is Poster.NONE:
        return None
    return poster.publish(film.name.removesuffix(delivery.suffix), film)


def _finished_frames(work: WorkFolder) -> int:
    return sum(piece.frames for piece in work.in_order())


def _size(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


@contextmanager
def _saying_what_is_kept(work: WorkFolder, count: int) -> Iterator[None]:
    try:
        yield
    except DiskFullError as error:
        kept = _finished_frames(work)
        if not kept:
            raise
        raise DiskFullError(
            f"{error}. {kept} of {count} frames are finished and kept there: with more room, "
            "queue the same graph again and it goes on",
            error.errno,
        ) from error
