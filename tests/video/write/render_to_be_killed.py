"""A render of 120 small frames in a process of its own: `python this.py FOLDER LABEL SECONDS`.

Every frame takes SECONDS, so that there is time to be killed. Prints a line when it is at work, and
at the end how many frames it found and the film's path.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

from svd_studio.video.write.formats import formats
from svd_studio.video.write.order import Order
from svd_studio.video.write.render import write_stream


def streams():
    """The module beside this file, which is in no package."""
    file = Path(__file__).with_name("streams.py")
    spec = importlib.util.spec_from_file_location("streams", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["streams"] = module
    spec.loader.exec_module(module)
    return module


def render(folder: str, label: str, seconds: str) -> None:
    made = streams()

    def slow(stream, start):
        for frame in stream.frames(start):
            time.sleep(float(seconds))
            yield frame

    sys.stdout.write("at work\n")
    sys.stdout.flush()
    order = Order(formats()[label], made.FILM, segment_frames=8)
    written = write_stream(made.waves(120), order, Path(folder), "shot", slow)
    sys.stdout.write(f"{written.found} {written.path}\n")


if __name__ == "__main__":
    render(*sys.argv[1:])
