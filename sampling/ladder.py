"""What to do when memory runs out: give something up that costs time, not pixels, and go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotEnoughMemoryError(RuntimeError):
    """Not even the smallest exact way fits; the message says what is needed and the ways out."""


def climb_down(
    attempt: Callable[[], T], step_down: Callable[[], bool], is_oom: Callable[[Exception], bool]
) -> T:
    """What `attempt` returns, tried again after each `step_down` while memory runs out.

    `attempt` must leave nothing half-done behind when it raises. `step_down` frees memory and
    returns True, or False below the last rung, when the out-of-memory error passes through.
    """
    while True:
        ran_out = None
        try:
            return attempt()
        except RuntimeError as error:
            if not is_oom(error):
                raise
            # The traceback holds the tensors of the failed attempt: drop it before going on.
            ran_out = error.with_traceback(None)
        if not step_down():
            raise ran_out
