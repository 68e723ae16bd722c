"""Films whose ends meet: every step looks at the film from both of its ends.

SVD knows one picture, at the first frame. Run backwards in time, the film's last frame is the
first, and SVD can be told another picture there. Time-Reversal Fusion (Feng et al. 2024, arXiv
2403.14611, section 3) denoises in both directions and blends what they predict:

    x0_i = w_i D(x | start)_i + (1 - w_i) [R D(R x | end)]_i

where R turns the film around and w falls from 1 at the start to 0 at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

Predict = Callable[[Tensor], Tensor]  # the noisy film (T, C, h, w) -> its x0, at one sigma


class Ends(str, Enum):
    """Which frames the two directions begin at."""

    LAST_FRAME = "last frame"  # a picture at frame 0 and another at frame T - 1
    LOOP = "seamless loop"  # one picture at frame 0, which is frame T too

    def turn(self, film: Tensor) -> Tensor:
        """The film (T, ...) backwards in time; turning twice changes nothing.

        For a loop time is a circle: frame 0 stays, and frame i goes where frame T - i was. So no
        frame is shown twice when the film repeats.
        """
        backwards = film.flip(0)
        return backwards if self is Ends.LAST_FRAME else backwards.roll(1, 0)

    def weights(self, num_frames: int) -> Tensor:
        """How much of each frame is seen from the start: (T,), falling from 1 to 0.

        A smooth step instead of the paper's line. Near an end its own direction knows more than
        the other by far, and where they disagree a blend is a double exposure. With an exact
        denoiser of random walks this gives very nearly the bridge between the pictures, which
        the line, or stepping in turns, does not (`tests/sampling/test_ends.py`).
        A loop gets to 0 at frame T, which is frame 0 again and belongs to both: frames 1 and
        T - 1 are its neighbours alike.
        """
        last = num_frames - 1 if self is Ends.LAST_FRAME else num_frames
        t = torch.arange(num_frames) / last
        weights = 1 - t**3 * (t * (6 * t - 15) + 10)
        if self is Ends.LOOP:
            weights[0] = 0.5
        return weights


def from_both_ends(
    film: Tensor, ends: Ends, from_start: Predict, from_end: Predict, last: Tensor | None = None
) -> Tensor:
    """x0 (T, C, h, w) of the noisy `film`, blended from both directions.

    `from_end` gets the film turned around. `last` (C, h, w), in the sampler's scale, is what the
    last frame is known to be: it takes the place of the prediction, so that a sampler ends there.
    """
    # The start comes second: samplers of the CFG++ kind use the last evaluation that they saw.
    backwards = ends.turn(from_end(ends.turn(film)))
    forwards = from_start(film)
    weights = ends.weights(len(film)).to(film).reshape(-1, *[1] * (film.ndim - 1))
    x0 = backwards.lerp(forwards, weights)
    if last is not None:
        x0[-1] = last.to(x0)
    return x0
