"""One way to finish a clip, in a process of its own; prints what it took as a line of JSON.

    python dev/finish_chains.py CHAIN CLIP NETWORK OUT [--size WxH] [--warm CLIP]
        [--precision P] [--interpolator FILE]

CHAIN is `core` (ComfyUI's nodes, one after the other, every result kept as its cache keeps them),
`loop` (decode, network, encode, frame by frame) or `ours`. The film is H.264.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from comfy_runtime import start_core

LOOK = 0.05  # seconds between two looks at the process
CRF = 23  # ComfyUI's, and with a preset of medium
QUALITY_OF_CRF = 67  # ours that is the same


@dataclass(frozen=True)
class Job:
    """What to make of what; `size` (width, height) after the network, or None for its own."""

    clip: Path
    network: Path
    out: Path
    size: tuple[int, int] | None
    precision: str = "fp32"  # ours alone has a choice
    interpolator: str | None = (
        None  # a file of models/frame_interpolation; ours alone has this step
    )


class Resident:
    """The process's resident memory, looked at all the time."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._done = threading.Event()
        self.start = self.now()
        self.seen: list[int] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> int:
        return self._process.memory_info().rss

    def finish(self) -> dict[str, float]:
        """In GiB: at the start, the most, and the median of the last third."""
        self._done.set()
        late = sorted(self.seen[len(self.seen) * 2 // 3 :])
        found = {"start": self.start, "peak": max(self.seen), "late": late[len(late) // 2]}
        return {name: size / 2**30 for name, size in found.items()}

    def _watch(self) -> None:
        while not self._done.wait(LOOK):
            self.seen.append(self.now())


def core(job: Job) -> int:
    from comfy_api.latest import InputImpl, Types
    from comfy_extras.nodes_upscale_model import ImageUpscaleWithModel

    import nodes

    clip = InputImpl.VideoFromFile(str(job.clip)).get_components()
    kept = [clip, ImageUpscaleWithModel.execute(descriptor(job.network), clip.images).args[0]]
    if job.size:
        kept += nodes.ImageScale().upscale(kept[-1], "bicubic", *job.size, "disabled")
    film = Types.VideoComponents(images=kept[-1], frame_rate=clip.frame_rate)
    InputImpl.VideoFromComponents(film).save_to(str(job.out))
    return len(kept[-1])


def loop(job: Job) -> int:
    import av
    import torch

    network = descriptor(job.network)
    with av.open(str(job.clip)) as source, av.open(str(job.out), "w") as target:
        rate = source.streams.video[0].average_rate
        stream = target.add_stream("libx264", rate=rate, options={"crf": str(CRF)})
        stream.pix_fmt = "yuv420p"
        for count, picture in enumerate(source.decode(video=0), 1):
            frame = torch.from_numpy(picture.to_ndarray(format="rgb24")).float() / 255
            large = network(frame.permute(2, 0, 1)[None])
            if job.size:
                width, height = job.size
                large = torch.nn.functional.interpolate(
                    large, (height, width), mode="bicubic", antialias=True
                )
            codes = large[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
            if count == 1:
                stream.height, stream.width = codes.shape[:2]
            picture = av.VideoFrame.from_ndarray(codes.contiguous().numpy(), format="rgb24")
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return count


def ours(job: Job) -> int:
    import folder_paths
    from svd_studio.nodes.frame_sources import SVDLoadFrames
    from svd_studio.nodes.interpolate import LAST_FRAMES, SVDInterpolate
    from svd_studio.nodes.run_upscale import WITHOUT
    from svd_studio.nodes.run_write import Graph, WriteSettings, write_in_output_folder
    from svd_studio.nodes.upscale import SVDUpscale

    folder_paths.set_output_directory(str(job.out.parent))
    stream, *_ = SVDLoadFrames.execute(path=str(job.clip)).args
    network = descriptor(job.network)
    stream, _ = SVDUpscale.execute(
        stream, "", "network's own", 0, 0, "crop", 1.0, job.precision, upscale_model=network
    ).args
    if job.size:
        stream, _ = SVDUpscale.execute(stream, WITHOUT, "custom", *job.size, "stretch", 1.0).args
    if job.interpolator:
        folder_paths.add_model_folder_path("frame_interpolation", str(job.interpolator.parent))
        model, hold = job.interpolator.name, next(iter(LAST_FRAMES))
        stream, *_ = SVDInterpolate.execute(
            stream, model, "factor", 2, 24.0, 0.0, 0.0, 1.0, hold, False, 0.0, "auto"
        ).args
    settings = WriteSettings(
        "H.264 (mp4)", 0.0, job.out.stem, QUALITY_OF_CRF, "none", False, "", 0, False, 0
    )
    _, path, _ = write_in_output_folder(stream, None, settings, Graph(None, None, None)).args
    Path(path).replace(job.out)
    return stream.clip.count


CHAINS: dict[str, Callable[[Job], int]] = {"core": core, "loop": loop, "ours": ours}


def descriptor(network: Path):  # noqa: ANN201 - spandrel's ImageModelDescriptor
    from safetensors.torch import load_file
    from spandrel import ModelLoader

    return ModelLoader("cpu").load_from_state_dict(load_file(network)).eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chain", choices=CHAINS)
    for name in ("clip", "network", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--size", help="WIDTHxHEIGHT after the network")
    parser.add_argument("--precision", default="fp32", help="of the network; ours alone")
    parser.add_argument("--interpolator", type=Path, help="a RIFE: twice the frames; ours alone")
    parser.add_argument("--warm", type=Path, help="a short clip that is finished first, unmeasured")
    args = parser.parse_args()
    start_core("--cpu")
    import torch

    size = tuple(map(int, args.size.split("x"))) if args.size else None
    job = Job(args.clip, args.network, args.out, size, args.precision, args.interpolator)
    with torch.inference_mode():
        if args.warm:  # imports, and what the first frame alone takes
            CHAINS[args.chain](replace(job, clip=args.warm))
            job.out.unlink()
        resident, started = Resident(), time.perf_counter()
        count = CHAINS[args.chain](job)
        seconds = time.perf_counter() - started
    print(json.dumps({"frames": count, "seconds": seconds} | resident.finish()))


if __name__ == "__main__":
    main()
