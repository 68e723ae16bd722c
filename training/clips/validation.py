"""Which clips are held out, to see whether what was learned holds for others."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence

FEWEST = 4  # starts; of fewer, none can be spared


def held_out(films: Sequence[Hashable], starts: Sequence[int], share: float, seed: int) -> set[int]:
    """Numbers of the clips for validation: clip i begins at frame `starts[i]` of `films[i]`.

    About `share` of them, at least one of four or more, none of fewer. Whole films where they are
    small enough for it, drawn from `seed`; else the last clips of one of them. A clip and its
    mirror image, which begin at the same frame, are held out together.
    """
    places = sorted(
        set(zip(films, starts, strict=True)), key=lambda place: (str(place[0]), place[1])
    )
    if len(places) < FEWEST or share <= 0:
        return set()
    wanted = max(1, round(share * len(places)))
    chosen: list[tuple[Hashable, int]] = []
    drawn = sorted(dict.fromkeys(films), key=lambda film: _draw(film, seed))
    for film in drawn:
        of_film = [place for place in places if place[0] == film]
        if len(of_film) <= wanted - len(chosen):
            chosen += of_film
    if not chosen:
        chosen = [place for place in places if place[0] == drawn[0]][-wanted:]
    out = set(chosen)
    return {i for i, place in enumerate(zip(films, starts, strict=True)) if place in out}


def _draw(film: Hashable, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {film}".encode(errors="surrogateescape")).digest()
