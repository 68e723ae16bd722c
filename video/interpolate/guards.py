"""Pairs of frames that nothing may be drawn between: cuts, and frames that are the same."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

THUMBNAIL = 36, 64  # rows, columns
LEVELS = 6  # a colour channel, in the histogram
WIDEST_PAN = 4  # the part of the frame that a pan may move between neighbours: a quarter
STRUCTURE = 2 / 3  # what it weighs
FAINT = 1e-3  # deviation below which a picture has no structure to compare


def cut_score(first: Tensor, second: Tensor) -> float:
    """0 where `second` (H, W, C) goes on what `first` shows, towards 1 where it is another shot.

    A geometric mean of two measures, both of which a cut raises: how far the histograms of colour
    are apart, and, weighing more, how little the structure of small versions agrees, wherever it
    is moved to. A pan changes only where things are, a flash only how bright they are. On 380
    pairs of three clips, 5 cuts in them had 0.34 to 0.70 and everything else up to 0.26; pans by a
    fifth of the frame and flashes of photographs up to 0.27.
    """
    small = [_thumbnail(frame) for frame in (first, second)]
    colours = _histogram_distance(*small)
    structure = max(0.0, 1 - _best_agreement(*(picture.mean(0) for picture in small)))
    return colours ** (1 - STRUCTURE) * structure**STRUCTURE


def is_cut(first: Tensor, second: Tensor, threshold: float) -> bool:
    """Whether there is a cut between two frames; never at threshold 0."""
    return threshold > 0 and cut_score(first, second) >= threshold


def is_duplicate(first: Tensor, second: Tensor) -> bool:
    """Whether two frames are the same to the last bit, as repeated ones are."""
    return first.shape == second.shape and torch.equal(first, second.to(first.device))


def _thumbnail(frame: Tensor) -> Tensor:
    """(3, 36, 64) on the CPU, each pixel the mean of what it stands for."""
    colour = frame[..., :3].permute(2, 0, 1)[None].float()
    return F.adaptive_avg_pool2d(colour, THUMBNAIL)[0].cpu()


def _histogram_distance(first: Tensor, second: Tensor) -> float:
    """0 for the same colours in whatever places, 1 for none in common."""
    return float((_histogram(first) - _histogram(second)).abs().sum() / 2)


def _histogram(picture: Tensor) -> Tensor:
    """Shares of colours; a pixel counts for the two levels it is between in every channel."""
    place = picture.flatten(1).clamp(0, 1) * (LEVELS - 1)
    near = (1 - (place[:, None] - torch.arange(LEVELS)[:, None]).abs()).clamp_min(0)
    return torch.einsum("rp,gp,bp->rgb", *near) / place.shape[-1]


def _best_agreement(first: Tensor, second: Tensor) -> float:
    """The highest correlation, 0..1, of one picture's centre with a part of the other."""
    if max(float(first.std()), float(second.std())) < FAINT:
        # Two even pictures have only their brightness, as in a fade from black.
        return 1 - abs(float(first.mean() - second.mean()))
    return max(0.0, _agreement(first, second), _agreement(second, first))


def _agreement(picture: Tensor, other: Tensor) -> float:
    rows, columns = (side // WIDEST_PAN for side in picture.shape)
    centre = picture[rows:-rows, columns:-columns]
    parts = F.unfold(other[None, None], centre.shape)[0].T
    return float((_standard(parts) @ _standard(centre.reshape(1, -1)).T).max())


def _standard(rows: Tensor) -> Tensor:
    """Each row with mean 0 and length 1; an even one is all 0, and agrees with nothing."""
    rows = rows - rows.mean(1, keepdim=True)
    length = rows.norm(dim=1, keepdim=True)
    return rows / length.clamp_min(FAINT * rows.shape[1] ** 0.5)
