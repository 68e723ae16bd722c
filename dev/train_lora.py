"""Train a LoRA without a graph: `python3 studio.py train-lora CONFIG.toml`.

    [model]
    checkpoint = "svd_xt.safetensors"  # a file or a diffusers folder; "svd-mini" is built in
    [clips]
    folder = "my_films"                # beside the configuration, or a whole path
    [train]
    steps = 1000                       # every field of LoraRecipe by its name
    [output]
    folder = "my_lora"

Stop it with Ctrl-C; the same command goes on. `--options` lists every key with its default.
"""

from comfy_runtime import start_core
from serve import has_accelerator

start_core(*(() if has_accelerator() else ("--cpu",)))

import argparse  # noqa: E402 - core's options come first
import logging  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import comfy.model_management as management  # noqa: E402
import comfy.utils  # noqa: E402
import torch  # noqa: E402
from lora_config import FILE_PRECISIONS, LAYOUTS, Config, options, read_config  # noqa: E402
from PIL import Image  # noqa: E402
from svd_studio.models.loader import LoadedSVD, load_svd  # noqa: E402
from svd_studio.models.lora.lora_file import read_lora  # noqa: E402
from svd_studio.models.lora.match import match_lora  # noqa: E402
from svd_studio.models.lora.weights import LoraModel, LoraWeights  # noqa: E402
from svd_studio.models.lora.write import saved_at, write_lora  # noqa: E402
from svd_studio.models.patches.lora import unet_shapes  # noqa: E402
from svd_studio.models.sources import MINI, open_svd  # noqa: E402
from svd_studio.nodes.lora_inputs import FROM_INPUT, find_lora  # noqa: E402
from svd_studio.nodes.run_save_lora import completed  # noqa: E402
from svd_studio.nodes.run_train_lora import (  # noqa: E402
    LoraJob,
    TrainedLora,
    Watch,
    train_lora,
)
from svd_studio.nodes.run_train_node import describe  # noqa: E402
from svd_studio.nodes.run_train_pictures import progress_picture  # noqa: E402
from svd_studio.nodes.run_training_clips import encoders_of, settings_of  # noqa: E402
from svd_studio.training.clips import report as clip_report  # noqa: E402
from svd_studio.training.clips.clip_set import ClipSet  # noqa: E402
from svd_studio.training.clips.films import films_at  # noqa: E402
from svd_studio.training.clips.plan import plan_clips  # noqa: E402
from svd_studio.training.clips.prepare import prepare_clips  # noqa: E402
from svd_studio.training.lora.run import Progress  # noqa: E402
from svd_studio.video.rate import exact_rate  # noqa: E402

SAID_EVERY = 5.0  # seconds
STOPPED = 130  # the exit code of a program that Ctrl-C ended


def prepare(config: Config, svd: LoadedSVD) -> ClipSet:
    """The clips of the configuration, encoded into the run's folder where they are not yet."""
    wanted = config.clips
    shape = (wanted.frames, wanted.fps, wanted.width, wanted.height)
    settings = settings_of(
        svd.vae, shape, wanted.clips_per_film, wanted.mirror, wanted.validation_share, wanted.seed
    )
    rate = exact_rate(wanted.pictures_fps or wanted.fps or 7)
    said = Sayer()

    def on_step(what: str, done: int, count: int) -> None:
        management.throw_exception_if_processing_interrupted()
        said.say(f"{what} {done} of {count}", now=done == count)

    with torch.inference_mode():
        found = films_at((config.home / wanted.folder).resolve(), rate)
        plan = plan_clips(found, settings, lambda *step: on_step("film", *step))
        encoders = encoders_of(svd.vae, svd.image_encoder)
        folder = config.folder / "clips"
        return prepare_clips(plan, encoders, folder, lambda *step: on_step("clip", *step))


class Sayer:
    """Prints a line when the last one is some seconds old."""

    def __init__(self) -> None:
        self._last = -SAID_EVERY

    def say(self, line: str, now: bool = False) -> None:
        if now or time.monotonic() - self._last >= SAID_EVERY:
            self._last = time.monotonic()
            print(line, flush=True)


def train(config: Config, svd: LoadedSVD, clips: ClipSet) -> TrainedLora:
    start = None
    if config.model.lora:
        file = read_lora(config.home / config.model.lora)
        start = LoraModel(file.tensors, file.metadata)
    said = Sayer()
    watch = Watch(
        lambda line: said.say(line, now=True),
        lambda progress: said.say(progress.describe()),
        lambda progress, _: keep_picture(progress, config.folder),
        management.throw_exception_if_processing_interrupted,
    )
    return train_lora(LoraJob(svd.model, clips, config.recipe, config.folder, start), watch)


def keep_picture(progress: Progress, folder: Path) -> None:
    """The loss curve, as `loss.png` beside the run."""
    Image.fromarray(progress_picture(progress, folder)).save(folder / "loss.png")


def export(config: Config, svd: LoadedSVD, trained: TrainedLora) -> Path:
    """The finished LoRA in the format and precision that were asked for."""
    shapes, layout = unet_shapes(svd.model), LAYOUTS[config.output.format]
    match = match_lora(find_lora(FROM_INPUT, trained.lora), shapes)
    name = trained.file.stem
    about = completed(match, name, config.output.licence.strip())
    weights = LoraWeights(name, match.weights.modules, about)
    path = config.folder / "export" / f"{name}.safetensors"
    write_lora(path, weights, layout, shapes, FILE_PRECISIONS[config.output.precision])
    return saved_at(path, layout)


def run(config: Config) -> None:
    chosen = config.model.checkpoint
    checkpoint = MINI if chosen == "svd-mini" else config.home / chosen
    with torch.inference_mode():
        svd = load_svd(open_svd(checkpoint), config.model.precision)
    clips = prepare(config, svd)
    print(clip_report.describe(clips), flush=True)
    trained = train(config, svd, clips)
    keep_picture(trained.progress, config.folder)
    print(describe(trained))
    print(export(config, svd, trained), flush=True)


def stop_on_signals() -> None:
    """The first Ctrl-C stops where nothing is lost, the second at once."""

    def stop(number: int, _: object) -> None:
        print("Stopping; what was trained is kept ...", flush=True)
        management.interrupt_current_processing()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG.toml")
    parser.add_argument("--options", action="store_true", help="list every key with its default")
    args = parser.parse_args(argv)
    if args.options or args.config is None:
        print(options())
        return 0 if args.options else 2
    logging.basicConfig(force=True, level=logging.WARNING, format="%(message)s")
    comfy.utils.set_progress_bar_enabled(False)
    stop_on_signals()
    try:
        run(read_config(args.config))
    except management.InterruptProcessingException:
        print("Stopped. The same command goes on from here.")
        return STOPPED
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
