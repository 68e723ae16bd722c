"""Where the numbers and the labels of a plot go."""

from __future__ import annotations

import math


def round_ticks(low: float, high: float, smallest: float) -> list[float]:
    """Round numbers from below `low` to above `high`, three to six of them."""
    if high - low < smallest:
        middle = (low + high) / 2
        low, high = min(low, middle - smallest / 2), max(high, middle + smallest / 2)
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(s * power for s in (1, 2, 5, 10) if (high - low) / (s * power) <= 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, last + 1)]


def frame_ticks(num_frames: int) -> list[int]:
    """Frames, counted from 0, that get a number: the first, the last, and some between."""
    last = num_frames - 1
    if last <= 8:
        return list(range(num_frames))
    steps = (2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 50, 100, 200, 500)
    step = next((step for step in steps if step * 8 >= last), last)
    return [*(frame for frame in range(0, last, step) if last - frame >= step * 0.6), last]


def spread(places: dict[str, float], distance: float) -> dict[str, float]:
    """The places moved apart to `distance`, in their order, about where they were."""
    names = sorted(places, key=places.__getitem__)
    groups = [[name] for name in names]
    centre = {name: places[name] for name in names}
    middles = [places[name] for name in names]
    index = 0
    while index < len(groups) - 1:
        gap = middles[index + 1] - middles[index]
        if gap >= distance * (len(groups[index]) + len(groups[index + 1])) / 2:
            index += 1
            continue
        groups[index : index + 2] = [groups[index] + groups[index + 1]]
        together = [places[name] for name in groups[index]]
        middles[index : index + 2] = [sum(together) / len(together)]
        index = max(0, index - 1)
    for group, middle in zip(groups, middles, strict=True):
        for number, name in enumerate(group):
            centre[name] = middle + (number - (len(group) - 1) / 2) * distance
    return centre
