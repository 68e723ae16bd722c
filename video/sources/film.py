"""A film: frames to pull, and the sound that goes with them."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ..stream import FrameStream
from ..trim import Trim
from . import animation, image_file
from .animation import Animation
from .image_folder import ImageFolder
from .sound import Sound, sound_of
from .video_file import VideoFile


@dataclass(frozen=True, eq=False)
class Film:
    """`sound` begins with the first frame; None for a silent film."""

    stream: FrameStream
    sound: Sound | None = None

    def trimmed(self, trim: Trim) -> Film:
        """The part of the film that `trim` leaves. Raises ValueError if that is nothing."""
        if trim == Trim():
            return self
        stream = self.stream.then(trim)
        if self.sound is None:
            return Film(stream)
        samples = trim.samples(self.stream.clip, self.sound.sample_rate)
        waveform = self.sound.waveform[:, samples].clone()  # or the whole film's would stay
        return Film(stream, replace(self.sound, waveform=waveform))

    def without_rest(self) -> Film:
        """With the sound cut off where the last frame ends."""
        clip = self.stream.clip
        if self.sound is None or clip.rate is None:
            return self
        samples = Trim().samples(clip, self.sound.sample_rate)
        return replace(self, sound=replace(self.sound, waveform=self.sound.waveform[:, samples]))


def film_at(path: Path, rate: Fraction) -> Film:
    """The film, animation, picture, or folder of pictures at `path`, with its sound.

    See `stream_at`.
    """
    stream = stream_at(path, rate)
    if isinstance(stream.source, VideoFile):
        return Film(stream, sound_of(path)).without_rest()
    return Film(stream)


def stream_at(path: Path, rate: Fraction) -> FrameStream:
    """The frames of what is at `path`; sound is not looked for.

    The last part of the path may be a pattern such as `shot_*.png`. `rate` is that of pictures, and
    of films that name none. Raises FileNotFoundError, or ValueError for what cannot be read.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        return FrameStream(ImageFolder(path, rate=rate))
    if glob.has_magic(path.name) and not path.exists():
        return FrameStream(ImageFolder(path.parent, path.name, rate))
    if suffix in animation.SUFFIXES:
        return FrameStream(Animation(path, rate))
    if suffix in image_file.SUFFIXES and path.exists():
        return FrameStream(ImageFolder(path.parent, glob.escape(path.name), rate))
    return FrameStream(VideoFile(path, rate))
