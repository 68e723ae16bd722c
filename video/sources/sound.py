"""The sound of a film, from the moment of its first frame on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from av.audio.resampler import AudioResampler
from torch import Tensor

from .film_index import index_of, open_film, readable

STEREO = 2  # channels


@dataclass(frozen=True, eq=False)
class Sound:
    """`waveform` (channels, samples) float32 in -1..1 at `sample_rate` a second."""

    waveform: Tensor
    sample_rate: int


def sound_of(path: Path) -> Sound | None:
    """The film's first sound track, or None for a silent film.

    More than two channels are mixed down to stereo. Sound from before the first frame is cut off,
    and where it begins later there is silence. Raises FileNotFoundError or ValueError for a film
    that cannot be read.
    """
    begins = index_of(path).begins
    with readable(path), open_film(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        layout = "stereo" if stream.codec_context.channels > STEREO else None
        resampler = AudioResampler(format="fltp", layout=layout)
        pieces, starts = [], None
        for frame in container.decode(stream):
            if starts is None:
                starts = (frame.pts or 0) * (frame.time_base or Fraction(0))
            pieces += [piece.to_ndarray() for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray() for piece in resampler.resample(None)]
        sample_rate = stream.codec_context.sample_rate
    if not pieces:
        return None
    waveform = np.concatenate(pieces, axis=1)
    return Sound(
        _from(torch.from_numpy(waveform), round((starts - begins) * sample_rate)), sample_rate
    )


def _from(waveform: Tensor, late: int) -> Tensor:
    if late < 0:
        return waveform[:, -late:]
    return torch.cat((waveform.new_zeros(len(waveform), late), waveform), dim=1)
