"""One number of a bench beside what it must reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`target` is what `value` must reach: at least, or at most where `least` is False."""

    what: str
    value: float
    target: float | None = None
    least: bool = True
    count: int = 0

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        reached = self.value >= self.target if self.least else self.value <= self.target
        return "met" if reached else "MISSED"

    def line(self) -> str:
        bound = "" if self.target is None else f"{'>=' if self.least else '<='} {self.target:g}"
        return (
            f"{self.what:<64}{self.value:9.4f}  {bound:>8}  {self.verdict:<7}{self.count:5d} clips"
        )
