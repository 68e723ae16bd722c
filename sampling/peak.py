"""Measured peaks: what a run held on its device at most."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil
import torch

INTERVAL = 0.02  # seconds between two looks at a process that has no counter of its own


class PeakMemory:
    """Highest memory above that at the start of the `with` block, in bytes, as `peak`.

    On CUDA, of the tensors on `device`, from torch's own counter. Elsewhere, of the process,
    looked at fifty times a second.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.peak = 0
        self._process = psutil.Process()
        self._done = threading.Event()

    def __enter__(self) -> PeakMemory:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self._start = torch.cuda.memory_allocated(self.device)
        else:
            self._start = self._process.memory_info().rss
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.device.type == "cuda":
            self.peak = torch.cuda.max_memory_allocated(self.device) - self._start
            return
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, self._process.memory_info().rss - self._start)
